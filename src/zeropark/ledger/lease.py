"""A time after which this process ends, whatever state it is in: also when it was stopped.

A stopped process answers no signal but SIGKILL, which the kernel's own timer sends it.
"""

from __future__ import annotations

import contextlib
import ctypes
import signal
import threading
from collections.abc import Iterator

_MONOTONIC = 1
_WORDS = 16  # struct sigevent is 64 bytes on Linux: value (8), signal, how
_SIGNAL_AT = 2
_BILLION = 1_000_000_000


class Lease:
    """Ends this process where a block lasts longer than it may. Blocks of one lease do not nest."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        event = (ctypes.c_int * _WORDS)()
        event[_SIGNAL_AT] = signal.SIGKILL
        self._timer = ctypes.c_void_p()
        self._one = threading.RLock()
        made = self._libc.timer_create(_MONOTONIC, event, ctypes.byref(self._timer))
        if made != 0:
            raise OSError(ctypes.get_errno(), "timer_create")

    @contextlib.contextmanager
    def __call__(self, seconds: float) -> Iterator[None]:
        """Let the block last at most so long [s]."""
        with self._one:
            self._set(seconds)
            try:
                yield
            finally:
                self._set(0.0)

    def _set(self, seconds: float) -> None:
        nanoseconds = round(seconds * _BILLION)
        # struct itimerspec: interval and value, each seconds and nanoseconds.
        spec = (ctypes.c_long * 4)(0, 0, nanoseconds // _BILLION, nanoseconds % _BILLION)
        if self._libc.timer_settime(self._timer, 0, spec, None) != 0:
            raise OSError(ctypes.get_errno(), "timer_settime")

    def close(self) -> None:
        """Give the timer back."""
        if self._timer.value is not None:
            self._libc.timer_delete(self._timer)
            self._timer = ctypes.c_void_p()
