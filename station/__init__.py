"""The scan station: photometric-stereo scanning, measuring and training for trading cards."""

__version__ = "0.1.0"
