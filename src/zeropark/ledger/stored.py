"""A store as verification reads it: its bytes, and what it derived from them, computed again.

Hot batches are read before sealed files, so that a batch which is sealed meanwhile is seen at least
once; what is written after the beginning is left for the next time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from zeropark.data.errors import DataError
from zeropark.ledger import merkle, rowform
from zeropark.ledger.about import about
from zeropark.ledger.database import Database
from zeropark.ledger.heads import moment
from zeropark.ledger.history import corrections
from zeropark.ledger.pages import POINTS_ON_PAGE
from zeropark.ledger.place import ABSENT, Place, connected, folder_of, reading, shown, there
from zeropark.ledger.recount import Recount
from zeropark.ledger.rollup import digest, kept_rollups, whole_months
from zeropark.ledger.sealing import read_sealed
from zeropark.ledger.sqlite import SqliteDatabase
from zeropark.ledger.state import STATE
from zeropark.ledger.verify import Chunk, Difference, Fault
from zeropark.units.text import Text

_AT_ONCE = 2_048
_TRANSFERS_AT_ONCE = 50_000
_NO_ENTRY = {"store", "readings"}
_NEWEST = ("start", "length", "value", "known_at", "sequence", "flags", "source", "quality")
_GONE = Text("the sealed file is missing", "封存文件缺失")
_CHANGED = Text(
    "the sealed file is not the one that was sealed: SHA-256 {given}, sealed as {due}",
    "封存文件不是当初所封：SHA-256 {given}，封存时 {due}",
)
_UNREADABLE = Text("the sealed file cannot be read ({said})", "封存文件无法读取（{said}）")
_UNSOUND = "PRAGMA integrity_check"
_MOST_SHOWN = 80


class _Said(NamedTuple):
    """What leaves say that a table repeats.

    batches: (first row, count) by size of the log; named: (name, size) by kind and number.
    """

    batches: dict[int, tuple[int, int]]
    named: dict[tuple[str, int], tuple[str, int]]


class Stored:
    """A store, read by a process that does not write it."""

    def __init__(self, database: Database, place: Place) -> None:
        self._database, self._place = database, place
        self._about = about(database, place)
        kept = self._database.rows("SELECT state FROM frontier WHERE one = 1")
        self._frontier = _raw(kept[0][0]) if kept else merkle.Frontier().to_bytes()
        # What comes after this size is not looked at.
        self._size = int.from_bytes(self._frontier[:8], "big")
        self._said = _Said({}, {})
        self._recount = Recount()
        self._expiries: list[dict[str, Any]] = []
        self._differs: list[Difference] = []
        self._ranges: dict[int, tuple[int, int, int]] = {}
        self._newest = np.zeros(0, rowform.ROW)

    def about(self) -> tuple[str, str]:
        """Return the store's id, and field or simulated."""
        return self._about.id, self._about.nature

    def frontier(self) -> bytes:
        """Return the kept state of the tree."""
        return self._frontier

    def leaves(self) -> Iterator[Sequence[bytes]]:
        """Yield all leaves in order, some thousand at a time."""
        after = 0
        while True:
            rows = self._database.rows(
                "SELECT size, body FROM leaf WHERE size > ? AND size <= ? ORDER BY size LIMIT ?",
                (after, min(self._size, 1 << 62), _AT_ONCE),
            )
            if not rows:
                return
            bodies = [(int(size), _raw(body)) for size, body in rows]
            self._entries(after, bodies)
            yield [body for _, body in bodies]
            after = bodies[-1][0]

    def _entries(self, after: int, bodies: Sequence[tuple[int, bytes]]) -> None:
        """Compare the index of entries with the leaves; note what other tables repeat."""
        kept = {
            size: (kind, at)
            for size, kind, at in self._database.rows(
                "SELECT size, kind, at FROM entry WHERE size > ? AND size <= ?",
                (after, bodies[-1][0]),
            )
        }
        due: dict[int, tuple[Any, Any]] = {}
        for size, body in bodies:
            try:
                said = json.loads(body)
                kind = said["kind"]
                if kind == "readings":
                    self._said.batches[size] = int(said["sequence_from"]), int(said["count"])
                elif kind not in _NO_ENTRY:
                    due[size] = kind, int(said["at"])
                self._recount.take(said, size)
                if kind == "expiry":
                    self._expiries.append(said)
                if kind in {"point", "source"}:
                    self._said.named[kind, int(said["number"])] = said["name"], size
            except (ValueError, KeyError, TypeError):
                # Verification names the leaf itself.
                kept.pop(size, None)
        for size in sorted(kept.keys() | due.keys()):
            self._compare(f"entry of leaf {size - 1}", kept.get(size), due.get(size))

    def rows(self) -> Iterator[Chunk | Fault]:
        """Yield all rows: hot batches, then sealed files."""
        yield from self._hot()
        with reading(self._place):
            for listed in self._database.rows("SELECT * FROM sealed ORDER BY first_row"):
                yield from self._sealed(listed)

    def _hot(self) -> Iterator[Chunk]:
        after, where = 0, shown(self._place).rpartition("/")[2]
        while True:
            rows = self._database.rows(
                "SELECT size, first_row, held FROM batch WHERE held IS NOT NULL AND size > ? AND "
                "size <= ? ORDER BY size LIMIT ?",
                (after, min(self._size, 1 << 62), _AT_ONCE),
            )
            if not rows:
                return
            for size, first, held in rows:
                chunk = Chunk(f"{where} batch of leaf {size - 1}", first, _raw(held))
                self._note(chunk)
                yield chunk
            after = int(rows[-1][0])

    def _sealed(self, listed: Sequence[Any]) -> Iterator[Chunk | Fault]:
        """Yield the rows of a sealed file, and a fault where it is not what was sealed."""
        name, kept = str(listed[0]), tuple(listed[3:])
        path = folder_of(self._place) / name
        if not path.exists():
            yield Fault(name, "sealed-gone", _GONE)
            return
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != kept[-1]:
            text = _CHANGED.format(given=digest[:16], due=str(kept[-1])[:16])
            yield Fault(name, "sealed-changed", text)
        try:
            rows = read_sealed(path)
        except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
            yield Fault(name, "sealed-unreadable", _UNREADABLE.format(said=error))
            return
        rows = rows[np.argsort(rows["sequence"], kind="stable")]
        due = (
            *(int(rows["sequence"][0]), len(rows)),
            *(int(rows[of][end]) for of, end in (("known_at", 0), ("known_at", -1))),
            *(int(rows["start"].min()), int(rows["start"].max()), corrections(rows)),
            *(path.stat().st_size, kept[-1]),
        )
        self._compare(f"manifest of {name}", kept, due)
        # A day put into one file meanwhile may hold batches of after the beginning.
        end = max((first + count for first, count in self._said.batches.values()), default=0)
        rows = rows[rows["sequence"] < end]
        if not len(rows):
            return
        chunk = Chunk(name, int(rows["sequence"][0]), rows.tobytes())
        self._note(chunk)
        yield chunk

    def _note(self, chunk: Chunk) -> None:
        """Note of rows what the store derived from them: ranges of batches, newest of points."""
        whole = len(chunk.rows) // rowform.WIDTH * rowform.WIDTH
        rows = np.frombuffer(chunk.rows[:whole], rowform.ROW)
        if not len(rows):
            return
        at = chunk.first
        for size, (first, count) in self._in(at, at + len(rows)):
            mine = rows[first - at : first - at + count]
            ends = int(mine["start"].min()), int(mine["start"].max())
            self._ranges[size] = (*ends, corrections(mine))
        both = np.concatenate([self._newest, rows])
        both = both[np.lexsort((both["sequence"], both["start"], both["point"]))]
        self._newest = both[np.append(both["point"][1:] != both["point"][:-1], True)]

    def _in(self, first: int, end: int) -> Iterator[tuple[int, tuple[int, int]]]:
        """Yield batches (size, (first row, count)) whose rows lie from `first` to `end`."""
        if not hasattr(self, "_order"):
            self._order = sorted((at, size) for size, (at, _) in self._said.batches.items())
            self._firsts = np.array([at for at, _ in self._order], np.int64)
        for at, size in self._order[int(np.searchsorted(self._firsts, first)) :]:
            count = self._said.batches[size][1]
            if at + count > end:
                return
            yield size, (at, count)

    def derived(self) -> Iterator[Difference]:
        """Yield what the store keeps beside leaves and rows and what it is not, computed again."""
        self._batches()
        self._named("point")
        self._named("source")
        self._latest()
        self._accounts()
        self._transfers()
        self._rollups()
        yield from self._differs
        if isinstance(self._database, SqliteDatabase):
            for (said,) in self._database.rows(_UNSOUND):
                if said != "ok":
                    yield Difference("ledger.db", str(said)[:_MOST_SHOWN], "ok")

    def _batches(self) -> None:
        kept = {
            int(size): tuple(rest)
            for size, *rest in self._database.rows(
                "SELECT size, first_row, row_count, start_min, start_max, corrections FROM batch "
                "WHERE size <= ?",
                (min(self._size, 1 << 62),),
            )
        }
        for size in sorted(kept.keys() | self._said.batches.keys()):
            said, ranges = self._said.batches.get(size), self._ranges.get(size)
            due = None if said is None else (*said, *(ranges or kept.get(size, (0,) * 5)[2:]))
            self._compare(f"batch of leaf {size - 1}", kept.get(size), due)

    def _named(self, kind: str) -> None:
        due = {n: said for (each, n), said in self._said.named.items() if each == kind}
        sql = {
            "point": "SELECT number, name, size FROM point WHERE size <= ?",
            "source": "SELECT number, name, size FROM source WHERE size <= ?",
        }[kind]
        asked = self._database.rows(sql, (min(self._size, 1 << 62),))
        kept = {number: (name, size) for number, name, size in asked}
        for number in sorted(kept.keys() | due.keys()):
            self._compare(f"{kind} {number}", kept.get(number), due.get(number))

    def _accounts(self) -> None:
        """Compare what accounts were opened as, and their balances, with the leaves."""
        columns = ("id", "unit", "party", "purpose", "above_zero", "size")
        kept = {
            str(row[0]): row
            for row in self._database.rows(
                "SELECT id, unit, party, purpose, floor, size, debits_pending, debits_posted, "
                "credits_pending, credits_posted FROM account WHERE size <= ?",
                (min(self._size, 1 << 62),),
            )
        }
        for name in sorted(kept.keys() | self._recount.accounts.keys()):
            opened_as, row = self._recount.accounts.get(name), kept.get(name)
            due = None if opened_as is None else tuple(opened_as[each] for each in columns)
            flag = None if row is None else (*row[:4], bool(row[4]), row[5])
            self._compare(f"account {name}", flag, due)
            balance = None if row is None else tuple(row[6:])
            counted = tuple(self._recount.balances.get(name, ()))
            self._compare(f"balance of {name}", balance, counted)

    def _transfers(self) -> None:
        found: set[str] = set()
        for name, state, amount, body, size in self._kept_transfers():
            found.add(name)
            due = self._recount.transfers.get(name)
            said = None if due is None else (due.state, due.amount, due.size)
            self._compare(f"transfer {name}", (state, amount, size), said)
            if due is not None and _as_leaf(body) != due.body:
                self._compare(f"transfer {name}", body, json.dumps(due.body, ensure_ascii=False))
        for name in sorted(self._recount.transfers.keys() - found):
            self._compare(f"transfer {name}", None, self._recount.transfers[name].state)

    def _kept_transfers(self) -> Iterator[tuple[Any, ...]]:
        """Yield the transfers that are kept, some thousand to a question, since a long one ends."""
        after: Any = ""
        while True:
            rows = self._database.rows(
                "SELECT id, state, amount, body, size FROM transfer WHERE id > ? AND size <= ? "
                "ORDER BY id LIMIT ?",
                (after, min(self._size, 1 << 62), _TRANSFERS_AT_ONCE),
            )
            if not rows:
                return
            yield from rows
            after = rows[-1][0]

    def _latest(self) -> None:
        """Compare the newest reading of each point with the newest of all rows."""
        names = {n: name for (kind, n), (name, _) in self._said.named.items() if kind == "point"}
        numbers = [number for kind, number in self._said.named if kind == "point"]
        state = self._pages(1 + max(numbers, default=-1))
        due: npt.NDArray[np.void] = np.zeros(len(state), STATE)
        known = self._newest[self._newest["point"] < len(state)]
        for name in _NEWEST:
            due[name][known["point"]] = known[name]
        due["used"][known["point"]] = 1
        wrong = np.zeros(len(state), np.bool_)
        wrong |= state["used"] != due["used"]
        for name in _NEWEST:
            wrong |= (state[name] != due[name]) & (due["used"] == 1)
        wrong &= ~self._expired(state["sequence"])
        # A reading that came after the beginning is not held against the rows of before.
        ((last,),) = self._database.rows(
            "SELECT coalesce(max(first_row + row_count), 0) FROM batch WHERE size <= ?",
            (min(self._size, 1 << 62),),
        )
        wrong &= state["sequence"] < last
        for number in np.flatnonzero(wrong).tolist():
            shown = [
                ", ".join(f"{name} {int(each[name][number])}" for name in _NEWEST)
                for each in (state, due)
            ]
            where = f"latest of {names.get(number, number)}"
            self._differs.append(Difference(where, shown[0], shown[1]))

    def _expired(self, sequence: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Return whether each row, by its place in the order of arrival, has expired."""
        gone: npt.NDArray[np.bool_] = np.zeros(len(sequence), np.bool_)
        for said in self._expiries:
            for index in said["batches"]:
                first, count = self._said.batches.get(int(index) + 1, (0, 0))
                gone |= (sequence >= first) & (sequence < first + count)
        return gone

    def _rollups(self) -> None:
        """Compare the roll-ups that remain of expired rows with the digest in the log."""
        spans = [whole_months(int(e["start"]), int(e["end"])) for e in self._expiries]
        for number, (first, last) in enumerate(spans):
            if any(start < last and end > first for start, end in spans[number + 1 :]):
                # Written anew by a later expiry, whose digest holds.
                continue
            kept = digest(kept_rollups(self._database, first, last))
            where = f"roll-ups from {moment(first)} to {moment(last)}"
            self._compare(where, kept, self._expiries[number]["rollups"])

    def _pages(self, count: int) -> npt.NDArray[np.void]:
        """Return the newest reading of `count` points as kept, whatever became of the pages."""
        state: npt.NDArray[np.void] = np.zeros(count, STATE)
        for page, body in self._database.rows("SELECT page, body FROM latest"):
            written, first = _raw(body), int(page) * POINTS_ON_PAGE
            if len(written) % STATE.itemsize or first < 0:
                self._compare(f"latest, page {page}", f"{len(written)} bytes", "whole points")
                continue
            part = np.frombuffer(written, STATE)[: max(0, count - first)]
            state[first : first + len(part)] = part
        return state

    def _compare(self, where: str, kept: object, due: object) -> None:
        if kept != due:
            self._differs.append(Difference(where, _shown(kept), _shown(due)))


@contextmanager
def opened(place: Place) -> Iterator[Stored]:
    """Yield the store in `place`, for reading. Raises `DataError` where none is there."""
    if not there(place):
        raise DataError("store_absent", ABSENT.format(path=shown(place)))
    database = connected(place, write=False, mortal=True)
    try:
        yield Stored(database, place)
    finally:
        database.close()


def _as_leaf(body: object) -> dict[str, Any] | None:
    """Return the body of a transfer as its leaf says it, None where it is no JSON object."""
    try:
        said = json.loads(str(body))
        return {name: str(v) if isinstance(v, int) else v for name, v in said.items()}
    except (ValueError, AttributeError):
        return None


def _raw(body: object) -> bytes:
    """Return the bytes of a cell, whatever type a flipped byte made of it."""
    if isinstance(body, bytes | memoryview | bytearray):
        return bytes(body)
    return str(body).encode("utf-8", "surrogatepass")


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return "-" if value is None else str(value)
