"""Whose something was, under a pseudonym: the log keeps the pseudonym, a file outside the name.

The pseudonym is drawn by chance, so that without its line in the file nobody can tell whose it was,
whatever else he knows. To forget a person is to destroy that line; the log stays as it is.
"""

from __future__ import annotations

import json
import os
import secrets
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from zeropark.data.errors import DataError
from zeropark.ledger.store import Store
from zeropark.units.refusal import meant, with_meant
from zeropark.units.text import Text

SESSION, FORGOTTEN = "session", "forgotten"
"""Kinds of entries: whose a session was, and that a pseudonym leads to nobody any more."""
_OWNER_ONLY = 0o600
_BYTES = 8
_OPEN = Text(
    "{path}: others than its owner may read these names (mode {mode}); allowed: 0600. Run chmod "
    "600",
    "{path}：除所有者外还有人可读这些姓名（权限 {mode}）；可用：0600。运行 chmod 600",
)
_NO_FILE = Text(
    "{path}: holds no names and pseudonyms; name the file that import made",
    "{path}：不含姓名与假名；请写导入时所建的文件",
)
_NOBODY = Text(
    "{path}: '{given}' is not in it{meant} Nothing was changed",
    "{path}：其中没有“{given}”{meant}未作更改",
)


class People:
    """Names and their pseudonyms in a file that only its owner may read.

    The file lies outside the store, so that no backup of the store carries it. Raises `DataError`
    where the file is none or others may read it, and `OSError` where the disk refuses.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, str] = {}
        if not path.exists():
            return
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & ~_OWNER_ONLY:
            raise DataError("people_open", _OPEN.format(path=path, mode=f"{mode:04o}"))
        try:
            said = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            said = None
        if not isinstance(said, dict) or not all(isinstance(each, str) for each in said.values()):
            raise DataError("people_file", _NO_FILE.format(path=path))
        self._known = said

    def pseudonyms(self, names: Iterable[str]) -> Mapping[str, str]:
        """Return the pseudonym of each name; new ones are durable in the file before."""
        wanted = dict.fromkeys(names)
        fresh = [name for name in wanted if name not in self._known]
        self._known |= {name: secrets.token_hex(_BYTES) for name in fresh}
        if fresh:
            self._keep()
        return {name: self._known[name] for name in wanted}

    def forget(self, name: str) -> str:
        """Destroy whose a pseudonym was and return it; raises `DataError` for a name not there."""
        if name not in self._known:
            text = with_meant(_NOBODY, meant(name, self._known), path=self._path, given=name)
            raise DataError("people_nobody", text)
        pseudonym = self._known.pop(name)
        self._keep()
        return pseudonym

    def _keep(self) -> None:
        """Write the file anew, durable, and overwrite the bytes of the old one."""
        beside = self._path.with_name(f".{self._path.name}.part")
        file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _OWNER_ONLY)
        with os.fdopen(file, "wb") as opened:
            opened.write(json.dumps(self._known, ensure_ascii=False, indent=0).encode())
            opened.flush()
            os.fsync(opened.fileno())
        old = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _OWNER_ONLY)
        try:
            beside.replace(self._path)
            os.pwrite(old, bytes(os.fstat(old).st_size), 0)
            os.fsync(old)
        finally:
            os.close(old)


def note_sessions(store: Store, people: People, sessions: Iterable[tuple[str, int, str]]) -> int:
    """Note whose sessions were, under pseudonyms, in one transaction; return how many were new.

    sessions: (point, start [ms since 1970-01-01 UTC], name) each; one that is noted stays.
    """
    with store.lock:
        sizes = store.database.rows("SELECT size FROM entry WHERE kind = ?", (SESSION,))
        entries = store.log.entries(size for (size,) in sizes)
        noted = {(entry["point"], int(entry["start"])) for entry in entries}
        fresh = [each for each in sessions if each[:2] not in noted]
        if not fresh:
            return 0
        known = people.pseudonyms(name for *_, name in fresh)
        with store.writing():
            store.enter(
                [
                    (SESSION, {"point": point, "start": start, "person": known[name]}, known[name])
                    for point, start, name in fresh
                ]
            )
    return len(fresh)
