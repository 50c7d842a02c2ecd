"""A V4L2 camera that is not there: a preloaded library, and the device it talks to.

For tests and demonstrations of the real capture code on machines without a camera.
"""
