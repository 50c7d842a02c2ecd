"""Pictures and lights in, normals, albedo and height out. Arrays only: no files, no clock, no hardware."""
