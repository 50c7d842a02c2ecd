"""Calibration without a daemon: on devices that are opened here, or of other people's pictures."""
