"""The near lights from the white sheet and the spheres: one adjustment, and the flat field."""
