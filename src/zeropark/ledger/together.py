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
        (answer,) = self.ask_all([asked])
        return answer

    def ask_all(self, asked: Sequence[Asked]) -> list[Answer]:
        """Return the answers to what one caller asks for, in order; raises what `work` raised."""
        mine = [_Waiting[Asked, Answer](each) for each in asked]
        self._queue.extend(mine)
        answers: list[Answer] = []
        with self._lock:
            while any(each.answer is None and each.error is None for each in mine):
                self._serve()
        for each in mine:
            if each.error is not None:
                raise each.error
            assert each.answer is not None, "served"
            answers.append(each.answer)
        return answers

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
