"""The guided calibration: its steps as a table, what was taken on disk, and the devices that take it."""
