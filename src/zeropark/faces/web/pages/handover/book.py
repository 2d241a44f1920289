"""The book of shifts in the ledger: what the leaving shift wrote, and who took it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zeropark.data.errors import DataError
from zeropark.ledger.reader import Reader
from zeropark.units.text import Text

if TYPE_CHECKING:
    from zeropark.ledger.place import Place
    from zeropark.operate.living import Living

KIND = "handover"
LONGEST = 2_000
"""Letters of a note."""
_MOST = 40
_EMPTY = Text(
    "The note is empty; write what the next shift must know.", "记录为空；写明下一班须知的事。"
)
_LONG = Text(
    "The note has {given} letters; at most {most} are allowed.",
    "记录 {given} 个字符；至多 {most} 个。",
)
_NO_STORE = Text(
    "No ledger is connected, so nothing can be posted. Nothing was done.",
    "未连接账本，无法入账。未执行。",
)
_GONE = Text(
    "This note is not open any more. Read the newest below.",
    "此记录已不在待接状态。见下方最新记录。",
)
_TAKEN = Text(
    "{by} took this note at {at}. Nothing was done a second time.",
    "{by} 已于 {at} 接班。未重复执行。",
)
_OWN = Text("You wrote this note; the coming shift takes it.", "此记录由本人填写；须由接班人接收。")
_WAITS = Text(
    "The note of {by} from {at} waits to be taken; take it before you leave another.",
    "{by} 于 {at} 的记录尚未接收；先接收，再填写新的。",
)


@dataclass(frozen=True)
class Note:
    """A hand-over. at, taken_at: UTC. open_items: what stood then, in both languages.

    state: open, taken, or replaced by a later note of the same person.
    """

    id: str
    by: str
    at: np.datetime64
    words: str
    open_items: tuple[Text, ...]
    state: str = "open"
    taken_by: str = ""
    taken_at: np.datetime64 | None = None


def notes(place: Place) -> list[Note]:
    """Return the hand-overs of a store, the newest first."""
    with Reader(place) as reader:
        rows = reader.database.rows(
            f"SELECT size FROM entry WHERE kind = '{KIND}' ORDER BY size DESC LIMIT {2 * _MOST}"  # noqa: S608 - words of ours
        )
        entries = reader.log.entries(size for (size,) in reversed(rows))
    found: dict[str, Note] = {}
    for entry in entries:
        known = found.get(entry["note"])
        if entry["stage"] == "left":
            for each in [n for n in found.values() if n.state == "open"]:
                found[each.id] = _with(each, state="replaced")
            items = tuple(Text(each["en"], each["zh"]) for each in entry["open"])
            found[entry["note"]] = Note(
                entry["note"], entry["by"], _moment(entry), entry["words"], items
            )
        elif known is not None:
            found[known.id] = _with(
                known, state="taken", taken_by=entry["by"], taken_at=_moment(entry)
            )
    return list(found.values())[::-1][:_MOST]


def _with(note: Note, **changed: Any) -> Note:
    return Note(**{**note.__dict__, **changed})


def _moment(entry: Mapping[str, Any]) -> np.datetime64:
    moment: np.datetime64 = np.datetime64(int(entry["at"]), "ms").astype("datetime64[s]")
    return moment


def waiting(place: Place) -> Note | None:
    """Return the note that waits to be taken; None where there is none."""
    return next((note for note in notes(place) if note.state == "open"), None)


def leave(living: Living, by: str, words: str, standing: tuple[Text, ...]) -> None:
    """Post what the leaving shift says. standing: what is open now. Raises `DataError`."""
    kept = "".join(c for c in words.strip() if c.isprintable() or c == "\n")
    if not kept:
        raise DataError("note_empty", _EMPTY)
    if len(kept) > LONGEST:
        raise DataError("note_long", _LONG.format(given=len(kept), most=LONGEST))
    before = waiting(_place(living))
    if before is not None and before.by != by:
        raise DataError("note_waits", _WAITS.format(by=before.by, at=_shown(before.at)))
    body = {
        "note": secrets.token_hex(6), "stage": "left", "by": by, "words": kept,
        "open": [{"en": text.en, "zh": text.zh} for text in standing],
    }  # fmt: skip
    living.post(KIND, body, str(body["note"]))


def take(living: Living, by: str, id_: str) -> None:
    """Post that the coming shift took a note. Raises `DataError`, also where another one did."""
    note = next((each for each in notes(_place(living)) if each.id == id_), None)
    if note is None or note.state == "replaced":
        raise DataError("note_gone", _GONE)
    if note.state == "taken":
        assert note.taken_at is not None, "a note that was taken says when"
        raise DataError("note_taken", _TAKEN.format(by=note.taken_by, at=_shown(note.taken_at)))
    if note.by == by:
        raise DataError("note_own", _OWN)
    living.post(KIND, {"note": id_, "stage": "taken", "by": by}, id_)


def _place(living: Living) -> Place:
    if living.place is None:
        raise DataError("note_no_store", _NO_STORE)
    return living.place


def _shown(moment: np.datetime64) -> str:
    return f"{str(moment)[:16].replace('T', ' ')}Z"
