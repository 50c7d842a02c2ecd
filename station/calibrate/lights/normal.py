"""Normal equations, added up in small pieces.

OpenBLAS shares out a product of more than 2^18 multiplications, and a factorisation of more than some 60
unknowns, among threads that wait for each other without sleeping; where the cores have other work too, a fit
of a second then takes a minute. Products of pieces below that size stay in one thread.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve

Array = NDArray[np.float64]

PIECE = 2**18


def add_up(parts: Iterable[tuple[Array, Array]], many: int) -> tuple[float, Array, Array]:
    """Half the sum of squares, its gradient (P,) and the normal matrix (P, P).

    Args:
        parts: residuals (N,) and their Jacobian (N, P), in any number of parts; columns without any entry in
            a part cost nothing.
        many: P.
    """
    half, slope, normal = 0.0, np.zeros(many), np.zeros((many, many))
    for residuals, jacobian in parts:
        own = np.flatnonzero(jacobian.any(axis=0))
        columns = np.ascontiguousarray(jacobian[:, own])
        half += 0.5 * float(np.sum(residuals**2))
        slope[own] += np.einsum("np,n->p", columns, residuals)
        normal[np.ix_(own, own)] += _gram(columns)
    return half, slope, normal


def _gram(columns: Array) -> Array:
    """Products (P, P) of all columns of (N, P)."""
    rows, many = columns.shape
    if not columns.size:
        return np.zeros((many, many))
    most = max(1, PIECE // many**2)
    pieces = -(-rows // most)
    padded = np.zeros((pieces * most, many))
    padded[:rows] = columns
    stack = padded.reshape(pieces, most, many)
    return np.asarray((stack.transpose(0, 2, 1) @ stack).sum(axis=0), np.float64)


def solve(normal: Array, right: Array) -> Array:
    """Of a positive definite system, scaled so that its unknowns are of one size."""
    scale = np.sqrt(np.diag(normal))
    found = cho_solve((_triangle(normal / np.outer(scale, scale)), True), right / scale)
    return np.asarray(found / scale, np.float64)


def inverse(normal: Array) -> Array:
    """Of a positive definite matrix."""
    scale = np.sqrt(np.diag(normal))
    triangle = _triangle(normal / np.outer(scale, scale))
    found = np.stack([cho_solve((triangle, True), unit) for unit in np.eye(len(scale))])
    return np.asarray((found + found.T) / 2 / np.outer(scale, scale), np.float64)


def _triangle(matrix: Array) -> Array:
    """Cholesky's, the lower one, column by column."""
    triangle = np.zeros_like(matrix)
    for n in range(len(matrix)):
        column = matrix[n:, n] - triangle[n:, :n] @ triangle[n, :n]
        triangle[n:, n] = column / np.sqrt(column[0])
    return triangle
