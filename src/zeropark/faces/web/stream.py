"""What a browser hears: once a second the park's clock, the newest frame, and how old it is."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from zeropark.faces.report.shown import day
from zeropark.units.timegrid import to_local

if TYPE_CHECKING:
    from zeropark.faces.web.people import People
    from zeropark.operate.living import Living

_EVERY_S = 1.0
EMPTY: Mapping[str, Any] = MappingProxyType({})
_HELD = ("stopped", "locked", "hand_mw", "limits_mw", "asked", "newest")
_ASK_AGAIN = 30
"""Events after which a stream asks whether its session still holds."""


class Stream:
    """One message for each language, made once a second however many browsers listen.

    marks: what changes with the news of each page that has its own, by the page's name.
    """

    def __init__(self, living: Living, marks: Mapping[str, Callable[[], str]] = EMPTY) -> None:
        self._living = living
        self._marks = marks
        self._messages: dict[str, str] = {}
        self._news = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None
        self.listeners = 0
        self._ended = False

    def end(self) -> None:
        """Let every stream end with its next message; a server that stops waits for them."""
        self._ended = True

    def start(self) -> None:
        """Begin to make messages, in the running event loop."""
        self._task = asyncio.create_task(self._make())

    async def stop(self) -> None:
        """End all streams."""
        if self._task is not None:
            self._task.cancel()
        async with self._news:
            self._task = None
            self._news.notify_all()

    async def _make(self) -> None:
        while True:
            marks = {name: mark() for name, mark in self._marks.items()}
            messages = {each: message(self._living, each, marks) for each in ("zh", "en")}
            async with self._news:
                self._messages = messages
                self._news.notify_all()
            await asyncio.sleep(_EVERY_S)

    async def events(self, language: str, people: People, secret: str) -> AsyncIterator[str]:
        """Yield events until the server stops or the session is over."""
        self.listeners += 1
        count = 0
        try:
            yield "retry: 1000\n\n"
            while self._task is not None and not self._ended:
                if self._messages:
                    yield f"data: {self._messages[language]}\n\n"
                count += 1
                if count % _ASK_AGAIN == 0 and people.session(secret) is None:
                    return
                async with self._news:
                    if self._task is not None:
                        await self._news.wait()
        finally:
            self.listeners -= 1


def frame_mark(living: Living) -> str:
    """Return what changes with every frame of a park, and with every order and alarm of it."""
    frame, status = living.frame, living.status
    there = "" if frame is None else f"{frame.life}-{frame.index}"
    if status is None:
        return there
    held = {name: status[name] for name in _HELD}
    held["alarms"] = [(each["id"], each["state"]) for each in status["alarms"]]
    held["calls"] = [(each["call"], each["stage"]) for each in status["calls"]]
    said = json.dumps(held, sort_keys=True).encode()
    return f"{there}-{zlib.crc32(said):08x}"


def message(living: Living, language: str, marks: Mapping[str, str] = EMPTY) -> str:
    """Return what is heard now, as JSON. marks: by page."""
    return json.dumps(
        {
            "clock": clock_words(living, language),
            "age": age_words(living, language),
            "frame": frame_mark(living),
            "stale": living.stale(),
            "marks": dict(marks),
            "operate": living.status is not None,
        },
        ensure_ascii=False,
    )


def clock_words(living: Living, language: str) -> str:
    """Return the park's day and time of day."""
    zone = living.run.world.grid.zone
    local = to_local(np.array([living.clock()], "datetime64[s]"), zone)[0]
    date = day(local.astype("datetime64[D]").astype(object)).in_language(language)
    return f"{date} {str(local)[11:19]}"


def age_words(living: Living, language: str) -> str:
    """Return how old the newest readings are, by the park's clock."""
    frame = living.frame
    if frame is None:
        return "—"
    minutes = int((living.clock() - frame.at).astype(int) // 60)
    del language
    return f"{minutes} min"
