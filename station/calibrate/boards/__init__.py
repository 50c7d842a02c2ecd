"""The printed board: found in pictures, and from it the lens, the card plane and the scale."""
