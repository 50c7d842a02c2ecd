"""Normals, albedo and height of anyone's pictures, from files to files, without a daemon."""
