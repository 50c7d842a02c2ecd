"""The live eye: what happens on the mat while nobody scans."""
