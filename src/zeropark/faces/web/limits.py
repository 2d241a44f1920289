"""How often a program may ask: so many questions a minute, each token for itself."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

MINUTE_S = 60.0
READS, COMMANDS = 600, 60
"""Questions and commands a minute."""


class Limiter:
    """Counts what each key asked in the last minute. now: a clock that never goes back [s]."""

    def __init__(self, most: int, now: Callable[[], float] = time.monotonic) -> None:
        self._most, self._now = most, now
        self._asked: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def wait(self, key: str) -> float:
        """Count a question; return 0, or how long to wait before it may be asked [s]."""
        now = self._now()
        with self._lock:
            asked = self._asked.setdefault(key, deque())
            while asked and asked[0] <= now - MINUTE_S:
                asked.popleft()
            if len(asked) >= self._most:
                return asked[0] + MINUTE_S - now
            asked.append(now)
            for old in [k for k, times in self._asked.items() if not times]:
                del self._asked[old]
        return 0.0
