"""The eye: interface, the OpenCV camera, and the matcher of frames to lights."""
