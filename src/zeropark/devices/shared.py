"""What several drivers of one event loop share: made for the first, closed by the last."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable
from typing import Any, ClassVar, Self
from weakref import WeakKeyDictionary


class Shared(ABC):
    """A connection, a socket, an engine, by a key of its own in each event loop."""

    _all: ClassVar[WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Hashable, Any]]]

    def __init_subclass__(cls) -> None:
        cls._all = WeakKeyDictionary()

    def __init__(self, key: Hashable) -> None:
        self._key = key
        self._sharing: set[object] = set()

    @classmethod
    def join(cls, key: Hashable, who: object, make: Callable[[], Self]) -> Self:
        """Return the one of a key, made where there is none yet, shared by `who` from now on."""
        here = cls._all.setdefault(asyncio.get_running_loop(), {})
        if key not in here:
            here[key] = make()
        found: Self = here[key]
        found._sharing.add(who)
        return found

    async def leave(self, who: object) -> None:
        """Be shared by `who` no longer; the last one closes it."""
        self._sharing.discard(who)
        if not self._sharing:
            self._all[asyncio.get_running_loop()].pop(self._key, None)
            await self._close()

    @abstractmethod
    async def _close(self) -> None:
        """Let go of the wire."""
