"""Whole numbers in parts: rounded once, half to even, and what is left over is somebody's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


def half_even(numerator: int, denominator: int) -> int:
    """Return the whole number nearest to numerator / denominator, of two equally near the even."""
    assert denominator > 0, "a share of something"
    whole, rest = divmod(numerator, denominator)
    above = 2 * rest > denominator or (2 * rest == denominator and whole % 2 == 1)
    return whole + above


@dataclass(frozen=True)
class Parts:
    """A total in parts. remainder: total less the parts, of either sign, for a named account."""

    parts: tuple[int, ...]
    remainder: int


def in_parts(total: int, weights: Sequence[int]) -> Parts:
    """Return `total` shared by whole weights, each part rounded half to even.

    Parts and remainder add up to the total exactly.
    """
    whole = sum(weights)
    assert whole > 0, "weights weigh something"
    assert min(weights) >= 0, "no weight is negative"
    parts = tuple(half_even(total * weight, whole) for weight in weights)
    return Parts(parts, total - sum(parts))
