"""The frozen values that every room speaks. No behaviour, no files, no numpy."""
