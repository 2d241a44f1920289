"""Numbers of a plan that may change at every update: arrays that know when they are out of date.

A rule is written once; the numbers in it (a forecast, a price, a nameplate) are read again whenever
they changed. A `Value` is such a number: one per asset and slot, or per asset, or per slot.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


class Value:
    """A number per asset and slot, read anew when what it stands on has changed.

    The array's shape is (assets, slots), (assets, 1) or (1, slots), in slot order.
    """

    __slots__ = ("_array", "_inputs", "_looked", "_make", "stamp")
    # When any number was last set; each is set once, so that one seen before never comes again.
    last_set = 0
    # NumPy hands mixed arithmetic to us instead of making an array of objects.
    __array_ufunc__ = None

    def __init__(self, make: Callable[..., Floats], *inputs: Value) -> None:
        self._make = make
        self._inputs = inputs
        self.stamp = self._looked = -1
        self._array: Floats = np.zeros((1, 1))

    def fresh(self) -> int:
        """Bring the array up to date; return the stamp of its newest input."""
        last = Value.last_set
        if self._looked == last:
            return self.stamp
        newest = 0
        for given in self._inputs:
            newest = max(newest, given.fresh())
        if newest > self.stamp:
            # `array` would ask each input once more whether it is fresh.
            self._array = self._make(*(given._array for given in self._inputs))  # noqa: SLF001
            self.stamp = newest
        self._looked = last
        return self.stamp

    def stands_on(self) -> set[Given]:
        """Return the numbers set from outside that this one is made of."""
        return set().union(*(given.stands_on() for given in self._inputs))

    @property
    def now(self) -> Floats:
        """The numbers as they were when last brought up to date."""
        return self._array

    @property
    def array(self) -> Floats:
        """The present numbers."""
        self.fresh()
        return self._array

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the present numbers."""
        return self.array.shape

    def __add__(self, other: Any) -> Any:
        return _join(np.add, self, other) if _is_number(other) else NotImplemented

    def __radd__(self, other: float) -> Value:
        return _join(np.add, other, self)

    def __sub__(self, other: Any) -> Any:
        return _join(np.subtract, self, other) if _is_number(other) else NotImplemented

    def __rsub__(self, other: float) -> Value:
        return _join(np.subtract, other, self)

    def __mul__(self, other: Any) -> Any:
        return _join(np.multiply, self, other) if _is_number(other) else NotImplemented

    def __rmul__(self, other: float) -> Value:
        return _join(np.multiply, other, self)

    def __truediv__(self, other: Value | float) -> Value:
        return _join(np.divide, self, other)

    def __rtruediv__(self, other: float) -> Value:
        return _join(np.divide, other, self)

    def __pow__(self, other: Value | float) -> Value:
        return _join(np.power, self, other)

    def __rpow__(self, other: float) -> Value:
        return _join(np.power, other, self)

    def __neg__(self) -> Value:
        return Value(np.negative, self)

    def least(self, other: Value | float) -> Value:
        """Return the smaller of the two, number by number."""
        return _join(np.minimum, self, other)

    def most(self, other: Value | float) -> Value:
        """Return the larger of the two, number by number."""
        return _join(np.maximum, self, other)


class Given(Value):
    """A value that is set from outside: a signal, a figure, a nameplate."""

    __slots__ = ()
    # `next` is one step, so that programs on several threads never set it back.
    _clock = count(1)

    def __init__(self, array: Floats) -> None:
        super().__init__(lambda: array)
        self.stamp = 0
        self._array = array

    def fresh(self) -> int:
        """Return the stamp of the last `put`."""
        return self.stamp

    def stands_on(self) -> set[Given]:
        """Return the number itself."""
        return {self}

    def put(self, array: Floats) -> None:
        """Set the numbers; what stands on them is read again."""
        self._array = array
        self.stamp = Value.last_set = next(Given._clock)


def constant(number: float) -> Given:
    """Return a value that is the same everywhere and always."""
    return Given(np.full((1, 1), float(number)))


def _is_number(other: object) -> bool:
    return isinstance(other, Value | float | int)


def _join(operate: Callable[..., Floats], left: Value | float, right: Value | float) -> Value:
    if not isinstance(left, Value):
        number = float(left)
        assert isinstance(right, Value), "one side is a value"
        return Value(lambda array: operate(number, array), right)
    if not isinstance(right, Value):
        factor = float(right)
        return Value(lambda array: operate(array, factor), left)
    return Value(operate, left, right)
