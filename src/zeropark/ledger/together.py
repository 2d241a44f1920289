"""Callers of many threads that wait for the disk at the same time are synced together."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")
_MOST = 64
"""How many callers one sync serves at most."""


@dataclass
class _Waiting(Generic[Asked, Answer]):
    asked: Asked
    answer: Answer | None = None
    error: BaseException | None = None


class Together(Generic[Asked, Answer]):
    """Hands what several threads ask for to one call of `work`, in the order they came.

    lock: held while working. work: returns an answer (never None) to each, or raises for all.
    """

    def __init__(
        self, lock: threading.RLock, work: Callable[[Sequence[Asked]], Sequence[Answer]]
    ) -> None:
        self._lock = lock
        self._work = work
        self._queue: deque[_Waiting[Asked, Answer]] = deque()

    def ask(self, asked: Asked) -> Answer:
        """Return the answer; raises what `work` raised."""
        mine = _Waiting[Asked, Answer](asked)
        self._queue.append(mine)
        with self._lock:
            while mine.answer is None and mine.error is None:
                self._serve()
        if mine.error is not None:
            raise mine.error
        assert mine.answer is not None, "served"
        return mine.answer

    def _serve(self) -> None:
        waiting = [self._queue.popleft() for _ in range(min(len(self._queue), _MOST))]
        try:
            answers = self._work([each.asked for each in waiting])
        except BaseException as error:  # noqa: BLE001 - raised by each of the callers
            for each in waiting:
                each.error = error
        else:
            for each, answer in zip(waiting, answers, strict=True):
                each.answer = answer
