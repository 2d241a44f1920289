"""What the cycle writes down: readings, set-points, orders and alarms, in the order they came.

The cycle never waits for the disk: what is to be written goes to a thread. What cannot be written
waits in memory, in order, and is written when it can be.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zeropark.assets.kind import Kind
from zeropark.data.errors import DataError
from zeropark.ledger import rowform
from zeropark.ledger.database import DiskFullError
from zeropark.ledger.reading import Offered
from zeropark.ledger.registry import Point
from zeropark.ledger.rowform import Quality
from zeropark.ledger.store import Store
from zeropark.operate.image import Image

WHOLE = {"MW": ("W", 1e6), "MWh": ("mWh", 1e9), "1": ("ppm", 1e6)}
"""Units inside -> whole numbers of the ledger: (its unit, how many make one of ours)."""
_SOURCE = "operate"
# How much waits in memory while nothing can be written: a day of cycles.
_MOST_WAITING = 86_400
_TRY_AGAIN_S = 1.0

Entry = tuple[str, Mapping[str, Any], str]


@dataclass(frozen=True)
class Page:
    """What one cycle has to say. image: its readings, None where they are not kept this time."""

    image: Image | None
    entries: Sequence[Entry]


class Diary:
    """Writes pages into a store, from a thread of its own unless `threaded` is False."""

    def __init__(self, store: Store, assets: Sequence[Kind], *, threaded: bool = True) -> None:
        self._store = store
        self._source = store.source(_SOURCE)
        self._points = dict(_posted(assets))
        store.register([point for point, _ in self._points.values()])
        numbers = {
            key: store.registry.number(point.name) for key, (point, _) in self._points.items()
        }
        self._keys = list(self._points)
        self._numbers = np.array([numbers[key] for key in self._keys], dtype=np.int64)
        self._factors = np.array([self._points[key][1] for key in self._keys])
        self._pages: deque[Page] = deque()
        self._some = threading.Condition()
        self._closing = False
        self.lost = 0
        self.failing = ""
        self._thread: threading.Thread | None = None
        if threaded:
            self._thread = threading.Thread(target=self._write_on, name="diary", daemon=True)
            self._thread.start()

    def add(self, page: Page) -> None:
        """Take a page to be written."""
        with self._some:
            if len(self._pages) >= _MOST_WAITING:
                self._pages.popleft()
                self.lost += 1
            self._pages.append(page)
            self._some.notify_all()
        if self._thread is None:
            self.write_now()

    @property
    def waiting(self) -> int:
        """How many pages are not written yet."""
        return len(self._pages)

    def write_now(self) -> bool:
        """Write what waits; return whether all of it is durable now."""
        while self._pages:
            page = self._pages[0]
            try:
                self._write(page)
            except (DiskFullError, DataError, OSError) as error:
                self.failing = str(error) or type(error).__name__
                self._begin_anew(error)
                return False
            self.failing = ""
            self._pages.popleft()
        return True

    def _begin_anew(self, error: Exception) -> None:
        """Open a lost server's connection anew; where it is still away the next try does."""
        if isinstance(error, DataError) and error.key == "store_unreachable":
            with contextlib.suppress(DataError):
                self._store.reopen()

    def _write_on(self) -> None:
        while True:
            with self._some:
                self._some.wait_for(lambda: bool(self._pages) or self._closing)
                if self._closing and not self._pages:
                    return
            if not self.write_now():
                if self._closing:
                    return
                threading.Event().wait(_TRY_AGAIN_S)

    def _write(self, page: Page) -> None:
        if page.entries:
            with self._store.lock, self._store.writing():
                self._store.enter(list(page.entries))
        if page.image is not None:
            self._store.accept(self._offered(page.image))

    def _offered(self, image: Image) -> Offered:
        """Return an image's values as whole numbers; what cannot be believed is missing."""
        places = np.array([image.index.get(key, -1) for key in self._keys])
        values = np.where(places >= 0, image.values[places], np.nan)
        there = np.isfinite(values)
        whole = np.rint(np.where(there, values, 0.0) * self._factors).astype(np.int64)
        value = np.where(there, whole, rowform.NO_VALUE)
        quality = np.where(there, Quality.MEASURED, Quality.MISSING).astype(np.int64)
        at = np.full(len(values), round(image.at * 1e3), dtype=np.int64)
        return Offered.of(self._numbers, at, 0, value, quality, self._source)

    def close(self) -> None:
        """Write what waits and stop."""
        with self._some:
            self._closing = True
            self._some.notify_all()
        if self._thread is not None:
            self._thread.join()


def _shows(asset: Kind, point: str) -> bool:
    return any(steered.shown_by == point for steered in asset.steered())


def _posted(assets: Sequence[Kind]) -> Sequence[tuple[tuple[str, str], tuple[Point, float]]]:
    """Return what is kept of a park: (asset, point), the register's point and the factor."""
    found = []
    for asset in assets:
        for point in asset.points:
            whole = WHOLE.get(point.unit)
            if whole is not None and (not point.writable or _shows(asset, point.name)):
                registered = Point(f"{asset.name}/{point.name}", whole[0], "state")
                found.append(((asset.name, point.name), (registered, whole[1])))
    return found
