"""Colour charts: found in pictures, and from them the matrix to sRGB."""
