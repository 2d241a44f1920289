"""A store: everything that happened at one park, in one place, written by one process."""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np
import numpy.typing as npt

from zeropark.data.errors import DataError
from zeropark.ledger import canonical, leaf, rowform, schema
from zeropark.ledger.about import here
from zeropark.ledger.clock import ClockState, Moment, OwnClock
from zeropark.ledger.database import Database, DiskFullError
from zeropark.ledger.history import History, corrections
from zeropark.ledger.intake import AHEAD_MS, ANY_TIME_MS, Judged, judge
from zeropark.ledger.leaf import NATURES, Nature
from zeropark.ledger.log import Log
from zeropark.ledger.pages import write_pages
from zeropark.ledger.place import (
    ABSENT,
    FILE,
    Place,
    connected,
    folder_of,
    reserve_at,
    shown,
    there,
    writing,
)
from zeropark.ledger.reading import Ints, Manner, Offered, Outcome
from zeropark.ledger.registry import Point, Registry
from zeropark.ledger.reserve import RESERVE_BYTES
from zeropark.ledger.rowform import Flag, Rows
from zeropark.ledger.state import Spell, unused
from zeropark.ledger.together import Together
from zeropark.units.refusal import meant, with_meant
from zeropark.units.text import Text

Result = TypeVar("Result")
_QUARANTINE = 10_000
"""How many refused readings are kept raw; the oldest go first."""
_SOURCES = 65_535
_NATURE = Text(
    "a store is 'field' or 'simulated', not '{given}'{meant}",
    "账本为 field（现场）或 simulated（仿真），不能是“{given}”{meant}",
)
_THERE = Text(
    "{path}: a store is there already; open it, or choose another folder",
    "{path}：已有账本；打开它，或换文件夹",
)
_FIELD = Text(
    "{path}: this store holds the field; a simulation writes only into a simulated one. Name "
    "another store",
    "{path}：该账本记录现场；仿真只能写入仿真账本。换一个账本",
)
_SIMULATED = Text(
    "{path}: this store is simulated; the field writes only into a field one. Name another store",
    "{path}：该账本为仿真；现场只能写入现场账本。换一个账本",
)
_SOURCE = Text("a source needs a name of 1 to 80 letters", "来源名须为 1 至 80 个字符")
FILLED_BY = "fill: "
"""How the name of a source begins that is a method of filling."""
_FILLING = Text(
    "a source's name does not begin with '{begin}'; that is how methods of filling are named",
    "来源名不可以“{begin}”开头；那是补数方法的名称",
)
_OLD_EPOCH = Text(
    "{path}: epoch {given} has ended, epoch {now} leads; nothing of this was written",
    "{path}：第 {given} 任期已结束，现为第 {now} 任期；未写入任何内容",
)
_FULL = Text("no more than {most} sources can be registered", "至多可登记 {most} 个来源")


@dataclass
class Taken:
    """What became of an offer.

    outcomes: of each reading. moment: when it became known. size: of the log, with the batch in it.
    """

    outcomes: npt.NDArray[np.uint8]
    moment: Moment
    size: int

    def counts(self) -> dict[Outcome, int]:
        """Return how many readings had each outcome."""
        found, times = np.unique(self.outcomes, return_counts=True)
        return {Outcome(f): int(t) for f, t in zip(found.tolist(), times, strict=True)}

    @property
    def whole(self) -> bool:
        """Whether every reading lies in the ledger now."""
        return bool((self.outcomes <= Outcome.KEPT_AS_SUSPECT).all())


def create(
    place: Place, nature: str, clock: OwnClock | None = None, reserve: int = RESERVE_BYTES
) -> None:
    """Make a store in a folder or a database, field or simulated for good.

    Raises `DataError` where one is there. reserve: [byte] kept for commands when the disk is full.
    """
    if nature not in NATURES:
        text = with_meant(_NATURE, meant(nature, NATURES), given=nature)
        raise DataError("store_nature", text)
    if there(place):
        raise DataError("store_there", _THERE.format(path=shown(place)))
    if isinstance(place, Path):
        place.mkdir(parents=True, exist_ok=True)
    database = connected(place, write=True)
    try:
        reserve_at(place, database, reserve).take()
        born(database, nature, (clock or OwnClock()).now())
    except BaseException:
        database.close()
        if isinstance(place, Path):
            (place / FILE).unlink()
        raise
    database.close()


def born(database: Database, nature: str, moment: Moment) -> None:
    """Write the tables and the first leaf of a store."""
    assert nature in NATURES, "asked before"
    whole, data = database.types
    store = str(uuid.uuid4())
    with database.transaction():
        database.make(schema.statements(whole, data))
        said = {"id": store, "nature": nature, "form": str(schema.FORMAT)}
        database.many("INSERT INTO about VALUES (?, ?)", said.items())
        kind: Nature = "field" if nature == "field" else "simulated"
        Log(database).append([leaf.birth(store, kind, moment.known_at)])


@dataclass
class _Memory:
    """What the writing process keeps of the store beside the disk."""

    registry: Registry
    state: npt.NDArray[np.void]
    sources: dict[str, int]
    rows: int


class Store:
    """A store that this process writes.

    name: of the process, told to a second one that comes. epoch: in which this instance leads the
    park; a ledger on a server refuses what comes from an older one. patience: longest wait for a
    server's answer [s], None for ever. Raises `DataError` where there is no store, or another
    process writes it. Calls may come from several threads.
    """

    def __init__(
        self,
        place: Place,
        name: str,
        *,
        clock: OwnClock | None = None,
        vfs: str = "",
        sync: str = "FULL",
        reserve: int = RESERVE_BYTES,
        epoch: int | None = None,
        patience: float | None = None,
    ) -> None:
        if not there(place):
            raise DataError("store_absent", ABSENT.format(path=shown(place)))
        self.place, self.epoch = place, epoch
        self.lock = threading.RLock()
        self.database, self._held = writing(place, name, vfs=vfs, sync=sync, patience=patience)
        try:
            self.about = here(self.database, place)
            self.log = Log(self.database)
            # Questions see what is durable, through a connection of their own.
            self._questions = connected(place, write=False, vfs=vfs)
            self.history = History(self._questions, place)
            self.reserve = reserve_at(place, self.database, reserve)
            self.clock = clock or OwnClock()
            self._together = Together[tuple[Offered, Manner], Taken](self.lock, self._take_all)
            # Rows of the transaction under way, which questions do not see yet.
            self._pending: list[Rows] = []
            self._load()
        except BaseException:
            if hasattr(self, "_questions"):
                self._questions.close()
            self.database.close()
            self._held.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *trace: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the store."""
        self._questions.close()
        self.database.close()
        self._held.close()

    def must_be(self, nature: Nature) -> None:
        """Raise `DataError` where the store is not of this nature."""
        if self.about.nature != nature:
            text = _FIELD if nature == "simulated" else _SIMULATED
            raise DataError("store_nature", text.format(path=shown(self.place)))

    @property
    def folder(self) -> Path:
        """The folder of the store; raises `DataError` where it lies in a database."""
        return folder_of(self.place)

    @property
    def registry(self) -> Registry:
        """The points that are registered."""
        return self._memory.registry

    @property
    def sources(self) -> Mapping[str, int]:
        """The sources that are registered, by name."""
        return self._memory.sources

    def _load(self) -> None:
        """Take from the disk what is kept in memory."""
        sizes = self.database.rows("SELECT size FROM point ORDER BY number")
        points = [point_of(entry) for entry in self.log.entries(size for (size,) in sizes)]
        sources = dict(self.database.rows("SELECT name, number FROM source"))
        state = self.history.latest()
        ((rows,),) = self.database.rows("SELECT coalesce(max(first_row + row_count), 0) FROM batch")
        self._memory = _Memory(Registry(points), state, sources, int(rows))
        ((entered,),) = self.database.rows("SELECT coalesce(max(at), 0) FROM entry")
        self.clock.last = max(self.clock.last, self.history.known(), int(entered))

    # -- entries -------------------------------------------------------------------------------

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """All that is written inside the block is durable at its end, or nothing of it is there."""
        with self.lock:
            try:
                with self.database.transaction():
                    self._must_lead()
                    yield
            except BaseException as error:
                self._take_back(error)
                raise

    def _take_back(self, error: BaseException) -> None:
        """Forget what a transaction would have written."""
        lost = isinstance(error, DataError) and error.key == "store_unreachable"
        if lost:
            # Nobody answers now: `reopen` takes the state anew.
            return
        self.log.reload()

    def _must_lead(self) -> None:
        """Raise `DataError` where a newer epoch leads, inside a transaction."""
        if self.epoch is None:
            return
        rows = self.database.rows("SELECT epoch FROM seat WHERE one = 1")
        now = int(rows[0][0]) if rows else 0
        if now != self.epoch:
            text = _OLD_EPOCH.format(path=shown(self.place), given=self.epoch, now=now)
            raise DataError("epoch_old", text)

    def reopen(self) -> None:
        """Begin anew with a server that was away; nothing is done where it was not.

        Raises `DataError` while it does not answer, or where another instance leads now.
        """
        with self.lock:
            self.database.reopen()
            self._questions.reopen()
            with self.database.transaction():
                self._must_lead()
            self.log.reload()
            self._load()

    def with_reserve(self, work: Callable[[], Result]) -> Result:
        """Do what must be written even on a full disk; the reserve is given up where it is."""
        try:
            return work()
        except DiskFullError:
            if not self.reserve.held:
                raise
            self.reserve.give()
            return work()

    def note(self, kind: str, body: Mapping[str, Any], subject: str = "") -> int:
        """Append an entry and return the size of the log with it.

        kind: such as command or decision. body: text, whole numbers, lists and objects of these.
        subject: what it is about, to be found by. Written from the reserve where the disk is full.
        """

        def work() -> int:
            with self.writing():
                return self.enter([(kind, body, subject)])

        with self.lock:
            return self.with_reserve(work)

    def enter(self, entries: Sequence[tuple[str, Mapping[str, Any], str]]) -> int:
        """Append (kind, body, subject) inside `writing`; return the log's size with them."""
        moment = self.clock.now()
        led = {} if self.epoch is None else {"epoch": self.epoch}
        bodies = [
            body_of(kind, {**body, **led} if kind == "command" else body, moment)
            for kind, body, _ in entries
        ]
        before = self.log.append(bodies)
        self.database.many(
            "INSERT INTO entry VALUES (?, ?, ?, ?)",
            (
                (before + i, kind, moment.known_at, subject)
                for i, (kind, _, subject) in enumerate(entries, 1)
            ),
        )
        return before + len(entries)

    def register(self, points: Sequence[Point]) -> None:
        """Register points, or what is new about them; all or none."""
        with self.lock, self.writing():
            trial = Registry(self.registry)
            entries: list[tuple[str, Mapping[str, Any], str]] = []
            numbers = []
            for point in points:
                number = trial.place(point)
                trial.take(point)
                numbers.append((number, point.name))
                entries.append(("point", {"number": number, **point.as_entry()}, point.name))
            size = self.enter(entries) - len(entries)
            rows = [(n, name, size + i) for i, (n, name) in enumerate(numbers, 1)]
            self.database.many(
                "INSERT INTO point VALUES (?, ?, ?) "
                "ON CONFLICT (number) DO UPDATE SET size = excluded.size",
                rows,
            )
            state = unused(len(trial))
            state[: len(self._memory.state)] = self._memory.state
        self._memory.registry, self._memory.state = trial, state

    def source(self, name: str, *, filling: bool = False) -> int:
        """Return the number of a source of readings; registers it where it is new.

        filling: whether it is a method of filling, whose names nobody else may take.
        """
        if name.startswith(FILLED_BY) and not filling:
            raise DataError("source_filling", _FILLING.format(begin=FILLED_BY))
        with self.lock:
            known = self._memory.sources
            if name in known:
                return known[name]
            if not 1 <= len(name) <= 80:  # noqa: PLR2004 - as the sentence says
                raise DataError("source_name", _SOURCE)
            if len(known) >= _SOURCES:
                raise DataError("sources_full", _FULL.format(most=_SOURCES))
            number = len(known)
            with self.writing():
                size = self.enter([("source", {"number": number, "name": name}, name)])
                self.database.run("INSERT INTO source VALUES (?, ?, ?)", (number, name, size))
            known[name] = number
            return number

    # -- readings ------------------------------------------------------------------------------

    def accept(self, offered: Offered, manner: Manner = Manner.FIELD) -> Taken:
        """Take readings; durable when this returns. The outcome is of each reading.

        From the field a bad one costs no good one; by hand all are taken or none. Raises
        `DiskFullError` where the disk is full: then nothing of it was taken. Offers of several
        threads that wait at the same time are synced together.
        """
        return self._together.ask((offered, manner))

    def accept_all(self, offers: Sequence[Offered], manner: Manner = Manner.FIELD) -> list[Taken]:
        """Take what one producer has waiting, each offer a batch of its own; as `accept`.

        Up to 64 batches are synced together, so that a producer behind its time catches up. Where
        the disk is full what was synced before stays, and offering all again takes the rest.
        """
        return self._together.ask_all([(offered, manner) for offered in offers])

    def _take_all(self, offers: Sequence[tuple[Offered, Manner]]) -> list[Taken]:
        """Take the offers that wait in one transaction."""
        undo: list[tuple[Ints, npt.NDArray[np.void]]] = []
        memory = self._memory
        rows = memory.rows
        try:
            self.reserve.take()
            with self.writing():
                return [self._take(offered, manner, undo) for offered, manner in offers]
        except BaseException:
            for points, before in reversed(undo):
                memory.state[points] = before
            memory.rows = rows
            raise
        finally:
            self._pending.clear()

    def _take(
        self, offered: Offered, manner: Manner, undo: list[tuple[Ints, npt.NDArray[np.void]]]
    ) -> Taken:
        """Write what is to be kept of one offer, inside a transaction."""
        memory = self._memory
        moment = self.clock.now()
        judged = judge(
            offered, manner, memory.state, memory.registry.limits(), len(memory.sources),
            moment.known_at, self, self._ahead,
        )  # fmt: skip
        refused = judged.outcomes > Outcome.KEPT_AS_SUSPECT
        if not (manner is Manner.BY_HAND and refused.any()):
            rows = _finished(judged, memory.rows, moment)
            undo.append((judged.points, memory.state[judged.points]))
            self._write(judged, rows, moment)
            if refused.any():
                self._set_apart(offered, judged.outcomes, moment)
            self._pending.append(rows)
            memory.rows += len(rows)
        return Taken(judged.outcomes, moment, self.log.size)

    @property
    def _ahead(self) -> int:
        return AHEAD_MS if self.about.nature == "field" else ANY_TIME_MS

    def trial(self, points: Sequence[Point]) -> Registry:
        """Return the register as it would be with further points; raises `DataError`."""
        trial = Registry(self.registry)
        for point in points:
            if not trial.knows(point.name):
                trial.take(point)
        return trial

    def preview(self, offered: Offered, trial: Registry) -> npt.NDArray[np.uint8]:
        """Return what would become of readings taken by hand; writes nothing.

        trial: a register of `trial`. A source that is not registered yet counts as the next one.
        """
        with self.lock:
            state = unused(len(trial))
            state[: len(self._memory.state)] = self._memory.state
            now = self.clock.now().known_at
            sources = len(self._memory.sources) + 1
            judged = judge(
                offered, Manner.BY_HAND, state, trial.limits(), sources, now, self, self._ahead
            )
            return judged.outcomes

    def _write(self, judged: Judged, rows: Rows, moment: Moment) -> None:
        """Write a batch inside a transaction: its leaf, its rows, what is kept of its points."""
        if not len(rows):
            return
        body = leaf.readings(rows)
        size = self.log.append([body]) + 1
        start = rows["start"]
        self.database.day(moment.known_at)
        self.database.run(
            "INSERT INTO batch VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                size, self._memory.rows, len(rows), moment.known_at, int(start.min()),
                int(start.max()), corrections(rows), rowform.encode(rows),
            ),
        )  # fmt: skip
        self._keep_state(judged, rows)
        if judged.opened:
            self.database.many(
                "DELETE FROM spell WHERE point = ? AND start_at = ?",
                [(p, a) for p, a, _ in judged.opened],
            )
        if judged.closed:
            self.database.many("INSERT INTO spell VALUES (?, ?, ?)", judged.closed)
        self._keep_findings(rows, moment)

    def _keep_state(self, judged: Judged, rows: Rows) -> None:
        """Write the newest reading of the points touched."""
        places = np.searchsorted(judged.which, judged.latest)
        newest = judged.state
        for name in ("known_at", "sequence", "flags", "source", "quality"):
            newest[name] = rows[name][places]
        self._memory.state[judged.points] = newest
        write_pages(self.database, self._memory.state, judged.points)

    def _keep_findings(self, rows: Rows, moment: Moment) -> None:
        """Count what was strange, by point and flag; shown, and never a claim's ground."""
        strange = rows[(rows["flags"] & np.uint32(_STRANGE)) != 0]
        found: list[tuple[int, ...]] = []
        if moment.state is not ClockState.SYNCHRONISED:
            at, state = moment.known_at, int(Flag.KNOWN_AT_UNCERTAIN)
            found.append((OUR_CLOCK, state, at, at, len(rows), at))
        for flag in _EACH_STRANGE if len(strange) else ():
            mine = strange[(strange["flags"] & np.uint32(flag)) != 0]
            points, first, times = np.unique(mine["point"], return_index=True, return_counts=True)
            for point, i, count in zip(points.tolist(), first.tolist(), times, strict=True):
                at = int(mine["start"][i])
                found.append((point, flag, at, at, int(count), moment.known_at))
        self.database.many(
            "INSERT INTO finding VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (point, flag) DO UPDATE "
            "SET last_at = excluded.last_at, times = finding.times + excluded.times, "
            "known_at = excluded.known_at",
            found,
        )

    def _set_apart(self, offered: Offered, outcomes: npt.NDArray[np.uint8], moment: Moment) -> None:
        """Keep refused readings raw, the newest of them."""
        ((number,),) = self.database.rows("SELECT coalesce(max(number), 0) FROM quarantine")
        bad = np.flatnonzero(outcomes > Outcome.KEPT_AS_SUSPECT)[-_QUARANTINE:]
        raw = np.stack(
            [
                offered.point[bad], offered.start[bad], offered.length[bad], offered.value[bad],
                offered.quality[bad], offered.source[bad], offered.revision[bad],
            ],
            axis=1,
        ).astype("<i8")  # fmt: skip
        self.database.many(
            "INSERT INTO quarantine VALUES (?, ?, ?, ?)",
            (
                (number + i, moment.known_at, int(outcomes[place]), raw[i - 1].tobytes())
                for i, place in enumerate(bad.tolist(), 1)
            ),
        )
        last = number + len(bad)
        self.database.run("DELETE FROM quarantine WHERE number <= ?", (last - _QUARANTINE,))

    def versions(self, points: Ints, first: int, last: int) -> Rows:
        """Return rows of `points` that start from `first` to `last` [ms], in order of arrival."""
        rows = self.history.rows(points, first, last + 1, every=True)
        for pending in self._pending:
            inside = (pending["start"] >= first) & (pending["start"] <= last)
            rows = np.concatenate([rows, pending[inside & np.isin(pending["point"], points)]])
        return rows[np.argsort(rows["sequence"], kind="stable")]

    def spells(self, point: int, first: int, last: int) -> list[Spell]:
        """Return spells of a point, but its newest, that touch the time `first` to `last` [ms]."""
        found = self.database.rows(
            "SELECT point, start_at, end_at FROM spell WHERE point = ? AND start_at <= ? "
            "AND end_at >= ?",
            (point, last, first),
        )
        return [(int(p), int(a), int(b)) for p, a, b in found]


def body_of(kind: str, body: Mapping[str, Any], moment: Moment) -> bytes:
    """Return the bytes of the leaf of an entry."""
    assert "kind" not in body, "the entry's kind stands beside its body"
    said: dict[str, Any] = {"kind": kind, "at": moment.known_at, **body}
    if moment.state is not ClockState.SYNCHRONISED:
        said["clock"] = moment.state.name.lower()
    return canonical.dumps(said)


OUR_CLOCK = -1
"""Stands for a point where a finding is about our own clock."""
_EACH_STRANGE = tuple(
    int(flag) for flag in Flag if flag not in {Flag.CORRECTS, Flag.KNOWN_AT_UNCERTAIN}
)
_STRANGE = sum(_EACH_STRANGE)


def _finished(judged: Judged, first: int, moment: Moment) -> Rows:
    """Return the rows with what the store adds: order of arrival and when they became known."""
    rows = judged.rows
    rows["sequence"] = np.arange(first, first + len(rows))
    rows["known_at"] = moment.known_at
    if moment.state is not ClockState.SYNCHRONISED:
        rows["flags"] |= np.uint32(Flag.KNOWN_AT_UNCERTAIN)
    return rows


def point_of(entry: Mapping[str, Any]) -> Point:
    """Return the point that an entry of the log states."""
    known = {k: v for k, v in entry.items() if k not in {"kind", "at", "number", "clock"}}
    return Point.from_entry(known)
