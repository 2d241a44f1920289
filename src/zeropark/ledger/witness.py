"""A witness keeps heads outside the house and signs that it saw them, with a key of its own.

It takes a head only where the log still begins with the one it took before, so whoever holds the
store and the key cannot show two people two pasts. Its heads lie in a folder, one file each, which
anybody may copy; `door` puts the same folder behind a URL.
"""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from zeropark.data.errors import DataError
from zeropark.ledger import heads, merkle, signed
from zeropark.ledger.signed import Signed, public_bytes
from zeropark.units.text import Text

KIND = "witness"
_STORE = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")
_SAME_KEY = Text(
    "{where}: the witness's key is the log's own; a witness signs with another one",
    "{where}：见证密钥就是日志自己的密钥；见证须用另一把",
)
_NAME = Text(
    "'{given}' is no id of a store; allowed: up to 64 letters, digits and -",
    "“{given}”不是账本编号；可用：至多 64 个字母、数字和 -",
)
_FOREIGN = Text(
    "{where}: the witness signed another head than this one", "{where}：见证所签的是另一个头"
)


class Seen(NamedTuple):
    """A head and the word of the witness that saw it, None where nobody but the log signed it."""

    head: Signed
    word: Signed | None

    def document(self) -> dict[str, object]:
        """Return the head as it is kept: the head itself, and the witness's word inside it."""
        word = {} if self.word is None else {"witness": self.word.document()}
        return {**self.head.document(), **word}


class Witness:
    """The heads kept in a folder, and the key that signs for having seen them."""

    def __init__(self, folder: Path, key: Ed25519PrivateKey) -> None:
        self._folder, self._key = folder, key
        self._one_at_a_time = threading.Lock()

    def latest(self, store: str) -> Signed | None:
        """Return the largest head kept of a store; None where none is. Raises `DataError`."""
        files = _files(self._folder / _named(store))
        return read(files[-1]).head if files else None

    def all(self, store: str) -> list[Seen]:
        """Return all heads kept of a store, smallest first. Raises `DataError`."""
        return [read(file) for file in _files(self._folder / _named(store))]

    def see(self, head: Signed, path: Sequence[bytes], at: int) -> Seen:
        """Take a head, keep it and sign for it; return it with the witness's word.

        path: the proof that its log begins with that of `latest` [RFC 9162 2.1.4]. at: now [ms
        since 1970-01-01 UTC]. The same head again is no new one. Raises `DataError` where it does
        not follow from what was kept; nothing is kept then.
        """
        where = "head"
        new = heads.read(head, where)
        if new.key == public_bytes(self._key):
            raise DataError("witness-same-key", _SAME_KEY.format(where=where))
        folder = self._folder / _named(new.store)
        with self._one_at_a_time:
            kept = self.latest(new.store)
            if kept is not None:
                old = heads.read(kept, "kept head")
                heads.follows(new, old, path, where)
                if old.size == new.size:
                    return read(_files(folder)[-1])
            said = {"kind": KIND, "head": head.hash(), "store": new.store, "at": at}
            size = {"size": new.size, "root": new.root.hex()}
            seen = Seen(head, signed.sign({**said, **size}, self._key))
            _keep(folder, f"{new.size:020d}.json", json.dumps(seen.document(), ensure_ascii=False))
            return seen


def path_from(log: merkle.Tree, head: Signed, kept: Signed | None) -> list[bytes]:
    """Return the proof of consistency a witness asks for. Raises `DataError` where there is none.

    kept: what the witness kept last, None where nothing yet.
    """
    if kept is None:
        return []
    new, old = heads.read(head, "head"), heads.read(kept, "kept head")
    heads.same_store(new, old.store, old.nature, "head")
    heads.holds_in(old, log, "kept head")
    # A kept head beyond this one is refused by the witness itself, in its own words.
    return log.consistency(old.size, new.size) if old.size <= new.size else []


def read(file: Path) -> Seen:
    """Return a head from a file, with its witness's word where it has one.

    Both signatures fit, and the word is about this head. Raises `DataError` or `OSError`.
    """
    return read_text(file.read_text(encoding="utf-8", errors="replace"), str(file))


def read_text(written: str, where: str) -> Seen:
    """Return a head from the text of a JSON file, as `read`. Raises `DataError`."""
    head = signed.read_text(written, where)
    heads.read(head, where)
    document = json.loads(written)
    if "witness" not in document:
        return Seen(head, None)
    word = signed.read(document["witness"], where)
    signed.check(word, KIND, where)
    if word.said.get("head") != head.hash():
        raise DataError("witness-foreign", _FOREIGN.format(where=where))
    return Seen(head, word)


def kept_in(place: Path) -> list[tuple[str, Seen]]:
    """Return the heads in a file, or in all `.json` files of a folder, with where each lies."""
    files = sorted(place.rglob("*.json")) if place.is_dir() else [place]
    return [(str(file), read(file)) for file in files]


def _named(store: str) -> str:
    """Return a store's id, which names a folder and must not lead out of it."""
    if not _STORE.fullmatch(store):
        raise DataError("witness-store", _NAME.format(given=store))
    return store


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.json"))


def _keep(folder: Path, name: str, content: str) -> None:
    """Write a file whole, and durable, before anybody is told that it is kept."""
    folder.mkdir(parents=True, exist_ok=True)
    beside = folder / f".{name}.part"
    with beside.open("w", encoding="utf-8") as file:
        file.write(content + "\n")
        file.flush()
        os.fsync(file.fileno())
    beside.rename(folder / name)
    for each in (folder, folder.parent):
        handle = os.open(each, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
