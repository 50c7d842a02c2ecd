"""Normals, albedo and height of anyone's pictures, from files to files, without a daemon."""

from . import request
from .run import run

__all__ = ["request", "run"]
