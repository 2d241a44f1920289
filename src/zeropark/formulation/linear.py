"""Linear expressions over blocks of columns: small objects on NumPy index arrays.

A rule such as `energy <= e_nom` is stated once for all assets of a kind and all slots. Nothing here
runs per asset or per slot.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
import numpy.typing as npt

from zeropark.formulation.value import Value

Indices = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
# Where an asset or a slot has no column or row. The last one of a program stands for it: it is
# empty and always 0, so that index -1 reads and writes nothing that counts.
NONE = -1


@dataclass(frozen=True)
class Term:
    """`coefficient` × the columns `columns`; columns has shape (assets, slots) or (assets, 1).

    summed: whether the term is the sum over all slots, so that its rule has one row per asset.
    """

    columns: Indices
    coefficient: Value | float
    summed: bool = False


class Sense(Enum):
    """How a rule compares its two sides."""

    AT_MOST = "<="
    AT_LEAST = ">="
    EQUAL = "=="


@dataclass(frozen=True)
class Rule:
    """terms (sense) bound: one row per asset and slot, or for those `where` is true."""

    expression: Linear
    sense: Sense
    where: Mask | None = None

    def only(self, where: Mask) -> Rule:
        """Return the rule for some assets, shape (assets,), or assets and slots."""
        return Rule(self.expression, self.sense, where)


class Linear:
    """A sum of terms and a constant, one per asset and slot."""

    __slots__ = ("constant", "terms")
    __array_ufunc__ = None
    __hash__ = None  # type: ignore[assignment] # `==` states a rule, so no hash can agree with it

    def __init__(self, terms: list[Term], constant: Value | float = 0.0) -> None:
        self.terms = terms
        self.constant = constant

    @property
    def before(self) -> Linear:
        """The same expression one slot earlier; before the first open slot, as measured."""
        return self.lag(1)

    def lag(self, slots: int) -> Linear:
        """Return the expression `slots` slots earlier; its coefficients must not vary by slot."""
        terms = []
        for term in self.terms:
            assert isinstance(term.coefficient, float) or term.coefficient.shape[1] == 1, (
                "only an expression whose coefficients are equal in all slots can be shifted"
            )
            assert not term.summed, "a sum over all slots has none before it"
            terms.append(Term(np.roll(term.columns, slots, axis=1), term.coefficient))
        assert not isinstance(self.constant, Value) or self.constant.shape[1] == 1
        return Linear(terms, self.constant)

    def only(self, where: Mask) -> Linear:
        """Return the expression of some assets, shape (assets,); of the others it is its constant.

        Its columns stand for all assets.
        """
        terms = [
            Term(np.where(where[:, None], term.columns, NONE), term.coefficient, term.summed)
            for term in self.terms
        ]
        return Linear(terms, self.constant)

    def amounts(self, solution: Floats, slots: Any = slice(None)) -> Any:
        """Return what it comes to for a solution's columns, shape (assets, slots).

        slots: of one slot, or of several in the order given. A number where nothing stands in it.
        """
        total: Any = _at(self.constant, slots)
        for term in self.terms:
            assert not term.summed, "a sum over all slots has no amount in one"
            columns = term.columns if term.columns.shape[1] == 1 else term.columns[:, slots]
            if isinstance(slots, int) and columns.ndim > 1:
                columns = columns[:, 0]
            total = total + solution[columns] * _at(term.coefficient, slots)
        return total

    def total(self) -> Linear:
        """Return the sum over the horizon, one per asset; of flows only, which are 0 before now."""
        assert not isinstance(self.constant, Value), "a sum is of columns alone"
        assert self.constant == 0.0, "a sum is of columns alone"
        return Linear([Term(term.columns, term.coefficient, summed=True) for term in self.terms])

    def of_all(self) -> Linear:
        """Return the sum over assets and slots as one row's; of flows only, as `total`."""
        assert isinstance(self.constant, float), "a sum is of columns alone"
        assert self.constant == 0.0, "a sum is of columns alone"
        return Linear([_in_one_row(term) for term in self.terms])

    def __add__(self, other: Linear | Value | float) -> Linear:
        if isinstance(other, Linear):
            return Linear(self.terms + other.terms, _plus(self.constant, other.constant))
        return Linear(self.terms, _plus(self.constant, other))

    def __radd__(self, other: Value | float) -> Linear:
        return self + other

    def __sub__(self, other: Linear | Value | float) -> Linear:
        return self + (-other)

    def __rsub__(self, other: Value | float) -> Linear:
        return (-self) + other

    def __neg__(self) -> Linear:
        return self * -1.0

    def __mul__(self, factor: Value | float) -> Linear:
        terms = [Term(t.columns, t.coefficient * factor, t.summed) for t in self.terms]
        none = isinstance(self.constant, float) and self.constant == 0.0
        return Linear(terms, 0.0 if none else self.constant * factor)

    def __rmul__(self, factor: Value | float) -> Linear:
        return self * factor

    def __truediv__(self, divisor: Value | float) -> Linear:
        return self * (1.0 / divisor)

    def __le__(self, other: Linear | Value | float) -> Rule:
        return Rule(self - other, Sense.AT_MOST)

    def __ge__(self, other: Linear | Value | float) -> Rule:
        return Rule(self - other, Sense.AT_LEAST)

    def __eq__(self, other: object) -> Rule:  # type: ignore[override] # an equation, not a test
        assert isinstance(other, Linear | Value | float | int), "a rule compares expressions"
        return Rule(self - other, Sense.EQUAL)


def _in_one_row(term: Term) -> Term:
    shape, factor = term.columns.shape, term.coefficient
    if isinstance(factor, Value):
        factor = Value(lambda array: np.broadcast_to(array, shape).reshape(1, -1), factor)
    return Term(term.columns.reshape(1, -1), factor, summed=True)


def _at(number: Value | float, slots: Any) -> Any:
    """Return a number at some slots; one that is the same in all stands for each."""
    if not isinstance(number, Value):
        return number
    array = number.array
    if array.shape[1] > 1:
        return array[:, slots]
    return array[:, 0] if isinstance(slots, int) else array


def _plus(left: Value | float, right: Value | float) -> Value | float:
    if isinstance(left, float) and left == 0.0:
        return right
    if isinstance(right, float) and right == 0.0:
        return left
    return left + right
