"""What can be wrong with a station, looked at piece by piece; used with a daemon and without one."""
