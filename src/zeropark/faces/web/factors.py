"""The second factor of the people: an authenticator's codes, and recovery codes good once."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING

from zeropark.data.errors import DataError
from zeropark.faces.web import totp
from zeropark.units.text import Text

if TYPE_CHECKING:
    from zeropark.faces.web.people import People

GOOD_S = 900.0
"""How long a factor that was shown is good at its desk [s]."""
RECOVERY = 8
_SCHEMA = """
CREATE TABLE IF NOT EXISTS factor (
  name TEXT PRIMARY KEY, secret BLOB NOT NULL, step INTEGER NOT NULL, confirmed INTEGER NOT NULL)
  STRICT;
CREATE TABLE IF NOT EXISTS recovery (
  name TEXT NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (name, hash)) STRICT;
CREATE TABLE IF NOT EXISTS proved (hash BLOB PRIMARY KEY, until REAL NOT NULL) STRICT;
"""
_NONE = Text(
    "this takes a second factor and you have none yet; set one up on the page Me",
    "须双重验证，尚未设置；在“我”页设置",
)
_WRONG = Text(
    "the code is wrong or was used; wait for the next one, or take a recovery code",
    "动态码错误或已用过；等下一个，或用恢复码",
)
_WAIT = Text("too many wrong codes; wait {seconds} s", "错误过多；等 {seconds} s")
_ASK = Text(
    "this takes a second factor; give the code of your authenticator",
    "须双重验证；输入验证器动态码",
)
_THERE = Text(
    "you have a second factor already; 'zeropark user reset' takes it away",
    "已设置双重验证；用 zeropark user reset 清除",
)


class Factors:
    """The second factors in the people's file."""

    def __init__(self, people: People) -> None:
        self._people = people
        people.make(_SCHEMA)

    def has(self, name: str) -> bool:
        """Return whether a person has an authenticator."""
        rows = self._people.rows("SELECT 1 FROM factor WHERE name = ? AND confirmed = 1", name)
        return bool(rows)

    def begin(self, name: str) -> bytes:
        """Return a new secret for a person's authenticator. Raises `DataError` for a second one."""
        if self.has(name):
            raise DataError("factor_there", _THERE)
        secret = totp.new_secret()
        self._people.rows("INSERT OR REPLACE INTO factor VALUES (?, ?, -1, 0)", name, secret)
        return secret

    def begun(self, name: str) -> bytes | None:
        """Return the secret that waits for its first code; None where none does."""
        rows = self._people.rows("SELECT secret FROM factor WHERE name = ? AND confirmed = 0", name)
        return bytes(rows[0][0]) if rows else None

    def confirm(self, name: str, code: str) -> list[str]:
        """Take the first code of an authenticator; return recovery codes, shown once."""
        self._must_not_wait(name)
        secret = self.begun(name)
        step = None if secret is None else totp.step_of(secret, code, self._people.now(), -1)
        if step is None:
            self._people.failed_factor(name)
            raise DataError("factor_wrong", _WRONG)
        self._people.rows("UPDATE factor SET confirmed = 1, step = ? WHERE name = ?", step, name)
        self._people.rows("DELETE FROM recovery WHERE name = ?", name)
        codes = [secrets.token_hex(8) for _ in range(RECOVERY)]
        for each in codes:
            self._people.rows("INSERT INTO recovery VALUES (?, ?)", name, _hash(name, each))
        self._people.did(name, "factor_set", "")
        return codes

    def show(self, desk: str, name: str, code: str) -> str:
        """Return which factor is shown: totp, recovery, or within while an earlier one is good.

        desk: secret of the session. Raises `DataError` where none is.
        """
        now = self._people.now()
        if not code:
            if self.good(desk):
                return "within"
            raise DataError("factor_absent", _ASK if self.has(name) else _NONE)
        self._must_not_wait(name)
        rows = self._people.rows(
            "SELECT secret, step FROM factor WHERE name = ? AND confirmed = 1", name
        )
        if not rows:
            raise DataError("factor_none", _NONE)
        code = code.strip().replace(" ", "").replace("-", "").lower()
        step = totp.step_of(bytes(rows[0][0]), code, now, int(rows[0][1]))
        if step is not None:
            # Only who comes first with a code has shown it.
            taken = self._people.rows(
                "UPDATE factor SET step = ? WHERE name = ? AND step < ? RETURNING 1",
                step, name, step,
            )  # fmt: skip
            found = "totp" if taken else ""
        else:
            used = self._people.rows(
                "DELETE FROM recovery WHERE name = ? AND hash = ? RETURNING 1",
                name, _hash(name, code),
            )  # fmt: skip
            found = "recovery" if used else ""
        if not found:
            self._people.failed_factor(name)
            raise DataError("factor_wrong", _WRONG)
        self._people.rows("DELETE FROM proved WHERE until < ?", now)
        self._people.rows("INSERT OR REPLACE INTO proved VALUES (?, ?)", _desk(desk), now + GOOD_S)
        self._people.did(name, "factor_shown", found)
        return found

    def good(self, desk: str) -> bool:
        """Return whether a factor shown at a desk is still good."""
        now = self._people.now()
        # A clock that was set back makes nothing good for longer.
        return bool(
            self._people.rows(
                "SELECT 1 FROM proved WHERE hash = ? AND until > ? AND until <= ?",
                _desk(desk), now, now + GOOD_S,
            )
        )  # fmt: skip

    def left(self, name: str) -> int:
        """Return how many recovery codes a person has left."""
        ((count,),) = self._people.rows("SELECT count(*) FROM recovery WHERE name = ?", name)
        return int(count)

    def forget(self, name: str) -> None:
        """Take a person's factor and recovery codes away."""
        for table in ("factor", "recovery"):
            self._people.rows(f"DELETE FROM {table} WHERE name = ?", name)  # noqa: S608 - names of ours

    def _must_not_wait(self, name: str) -> None:
        wait = self._people.wait(f"factor:{name}")
        if wait > 0:
            raise DataError("factor_wait", _WAIT.format(seconds=int(wait) + 1))


def _desk(secret: str) -> bytes:
    return hashlib.sha256(b"desk" + secret.encode()).digest()


def _hash(name: str, code: str) -> bytes:
    # 64 random bits: a slow hash would add nothing.
    return hashlib.sha256(f"{name}\n{code}".encode()).digest()
