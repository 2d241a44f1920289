"""The file of the control room's own: people, sessions, tokens, and what was done with them.

Passwords are kept by argon2id, sessions and tokens by the SHA-256 of what their holder has. The
file is the web process's alone; the ledger is never written from here.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apsw

from zeropark.data.errors import DataError
from zeropark.faces.web.roles import ROLES
from zeropark.units.refusal import meant, with_meant
from zeropark.units.text import Text

if TYPE_CHECKING:
    from pwdlib import PasswordHash

SESSION_S = 12 * 3600.0
"""How long a session lasts [s]: a shift."""
STOPS_S = 7 * 86_400.0
"""How long after its end a session still stops the park [s]: nobody signs in first in danger."""
SHORTEST, LONGEST = 12, 200
"""Letters of a password."""
TOKEN_DAYS = 365
_FREE_TRIES = 5
_FORGET_S = 900.0
_LONGEST_WAIT_S = 900.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS person (
  name TEXT PRIMARY KEY, role TEXT NOT NULL, party TEXT, password TEXT NOT NULL,
  secret TEXT, made REAL NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS session (
  hash BLOB PRIMARY KEY, name TEXT NOT NULL, csrf TEXT NOT NULL, made REAL NOT NULL,
  ends REAL NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS token (
  hash BLOB PRIMARY KEY, id TEXT NOT NULL, name TEXT NOT NULL, label TEXT NOT NULL,
  scopes TEXT NOT NULL, made REAL NOT NULL, ends REAL NOT NULL, used REAL) STRICT;
CREATE TABLE IF NOT EXISTS failed (key TEXT NOT NULL, at REAL NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS done (
  at REAL NOT NULL, name TEXT NOT NULL, act TEXT NOT NULL, what TEXT NOT NULL) STRICT;
"""
_SHORT = Text(
    "the password has {given} letters; {low} to {high} are allowed",
    "口令 {given} 个字符；允许 {low} 至 {high} 个",
)
_NAME = Text(
    "the name '{given}' is not allowed; 1 to 60 letters without line breaks",
    "名称“{given}”不可用；1 至 60 个字符，不含换行",
)
_THERE = Text("'{given}' is there already; choose another name", "已有“{given}”；换一个名称")
_ROLE = Text(
    "'{given}' is no role{meant} Allowed: {roles}", "没有角色“{given}”{meant}允许：{roles}"
)
_PARTY = Text(
    "the role party needs one of the park's parties: {names}", "角色“主体”须指明园区主体：{names}"
)
_DAYS = Text(
    "{given} days: out of range; a token lasts 1 to {most} days",
    "{given} 天：超出范围；令牌有效期 1 至 {most} 天",
)
_LABEL = Text("the token's purpose is empty; say what it is for", "令牌用途为空；写明用途")
_SCOPE = Text(
    "'{given}' is no scope{meant} Allowed: {scopes}", "没有权限“{given}”{meant}允许：{scopes}"
)
SCOPES = ("read", "try", "metrics", "command")


@dataclass(frozen=True)
class Person:
    """Someone who may sign in. party: whose data a `party` sees; None for the other roles."""

    name: str
    role: str
    party: str | None = None


@dataclass(frozen=True)
class Session:
    """A person at a desk. csrf: what every form of the session carries."""

    person: Person
    csrf: str


@dataclass(frozen=True)
class Token:
    """A key of a program: whose it is, what for, what it may, until when [s since 1970]."""

    id: str
    person: Person
    label: str
    scopes: frozenset[str]
    ends: float
    used: float | None = None


class People:
    """The people of one control room.

    path: of the file, made where it is not. now: the time [s since 1970].
    """

    def __init__(self, path: Path, now: Callable[[], float] = time.time) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        new = not path.exists()
        self.path = path
        self._database = apsw.Connection(str(path))
        if new:
            path.chmod(0o600)
        self._database.set_busy_timeout(5_000)
        self._database.execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;")
        self._database.execute(_SCHEMA)
        self.now = now
        self._lock = threading.RLock()

    def make(self, schema: str) -> None:
        """Have the tables of who keeps more of people in this file."""
        self._database.execute(schema)

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    @cached_property
    def _words(self) -> PasswordHash:
        # Argon2 takes a while to import; who only looks at `--help` does not wait for it.
        from pwdlib import PasswordHash  # noqa: PLC0415

        return PasswordHash.recommended()

    @cached_property
    def _nobody(self) -> str:
        return self._words.hash(secrets.token_hex(16))

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Ask the file; a change is durable when this returns."""
        with self._lock:
            return [tuple(row) for row in self._database.execute(sql, values)]

    # -- people --------------------------------------------------------------------------------

    def anybody(self) -> bool:
        """Return whether there is a person yet."""
        return bool(self.rows("SELECT 1 FROM person LIMIT 1"))

    def all(self) -> list[Person]:
        """Return everybody, by name."""
        rows = self.rows("SELECT name, role, party FROM person ORDER BY name")
        return [Person(*row) for row in rows]

    def add(
        self, name: str, password: str, role: str, by: str, party: str | None = None,
        parties: tuple[str, ...] = (),
    ) -> Person:  # fmt: skip
        """Add a person. by: who does it. parties: of the park. Raises `DataError`."""
        name = name.strip()
        if not name or len(name) > 60 or not name.isprintable():  # noqa: PLR2004 - as the sentence says
            raise DataError("person_name", _NAME.format(given=name[:60]))
        if self.rows("SELECT 1 FROM person WHERE name = ?", name):
            raise DataError("person_there", _THERE.format(given=name))
        if role not in ROLES:
            text = with_meant(_ROLE, meant(role, ROLES), given=role, roles=", ".join(ROLES))
            raise DataError("person_role", text)
        if role == "party" and party not in parties:
            raise DataError("person_party", _PARTY.format(names=", ".join(parties)))
        self._insert(Person(name, role, party if role == "party" else None), password)
        self.did(by, "person_added", f"{name}, {role}")
        return Person(name, role, party if role == "party" else None)

    def _insert(self, person: Person, password: str) -> None:
        hashed = self._hashed(password)
        self.rows(
            "INSERT INTO person VALUES (?, ?, ?, ?, NULL, ?)",
            person.name, person.role, person.party, hashed, self.now(),
        )  # fmt: skip

    def _hashed(self, password: str) -> str:
        if not SHORTEST <= len(password) <= LONGEST:
            values = {"given": len(password), "low": SHORTEST, "high": LONGEST}
            raise DataError("password_length", _SHORT.format(**values))
        return self._words.hash(password)

    def reset(self, name: str, password: str, by: str) -> bool:
        """Give a person a new password and end all sessions; return whether there is one."""
        hashed = self._hashed(password)
        if not self.rows("UPDATE person SET password = ? WHERE name = ? RETURNING 1", hashed, name):
            return False
        self.rows("DELETE FROM session WHERE name = ?", name)
        self.did(by, "password_reset", name)
        return True

    def remove(self, name: str, by: str) -> None:
        """Remove a person with all sessions and tokens."""
        for table in ("session", "token", "person"):
            self.rows(f"DELETE FROM {table} WHERE name = ?", name)  # noqa: S608 - names of ours
        self.did(by, "person_removed", name)

    # -- signing in ----------------------------------------------------------------------------

    def wait(self, *keys: str) -> float:
        """Return how long whoever fails so often must wait before the next try [s]."""
        now, longest = self.now(), 0.0
        for key in keys:
            ((count, last),) = self.rows(
                "SELECT count(*), coalesce(max(at), 0) FROM failed WHERE key = ? AND at > ?",
                key, now - _FORGET_S,
            )  # fmt: skip
            if count >= _FREE_TRIES:
                pause = min(_LONGEST_WAIT_S, 2.0 ** (count - _FREE_TRIES + 1))
                longest = max(longest, last + pause - now)
        return max(0.0, longest)

    def sign_in(self, name: str, password: str, address: str) -> tuple[str, Session] | None:
        """Return (secret of the session, session), or None where name and password do not fit.

        A wrong name takes as long as a wrong password. Ask `wait` before.
        """
        found = self.rows("SELECT role, party, password FROM person WHERE name = ?", name)
        kept = found[0][2] if found else self._nobody
        good = self._words.verify(password[:LONGEST], kept) and bool(found)
        now = self.now()
        if not good:
            for key in (f"name:{name}", f"from:{address}"):
                self.rows("INSERT INTO failed VALUES (?, ?)", key, now)
            self.rows("DELETE FROM failed WHERE at < ?", now - _FORGET_S)
            self.did(name[:60], "sign_in_failed", address)
            return None
        self.rows("DELETE FROM failed WHERE key = ?", f"name:{name}")
        self.rows("DELETE FROM session WHERE ends < ?", now - STOPS_S)
        secret, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(24)
        self.rows(
            "INSERT INTO session VALUES (?, ?, ?, ?, ?)",
            _hash(secret), name, csrf, now, now + SESSION_S,
        )  # fmt: skip
        self.did(name, "signed_in", address)
        return secret, Session(Person(name, found[0][0], found[0][1]), csrf)

    def session(self, secret: str | None) -> Session | None:
        """Return the session of a secret; None where there is none, or it is over."""
        if not secret:
            return None
        rows = self.rows(
            "SELECT p.name, p.role, p.party, s.csrf FROM session s JOIN person p USING (name) "
            "WHERE s.hash = ? AND s.ends > ?",
            _hash(secret), self.now(),
        )  # fmt: skip
        return Session(Person(*rows[0][:3]), rows[0][3]) if rows else None

    def over(self, secret: str | None) -> Session | None:
        """Return the session of a secret though its time is over; None once it was signed out.

        It is good for what only narrows, and for nothing else.
        """
        if not secret:
            return None
        rows = self.rows(
            "SELECT p.name, p.role, p.party, s.csrf FROM session s JOIN person p USING (name) "
            "WHERE s.hash = ?",
            _hash(secret),
        )
        return Session(Person(*rows[0][:3]), rows[0][3]) if rows else None

    def failed(self, key: str) -> None:
        """Keep that somebody guessed wrong: who guesses waits."""
        self.rows("INSERT INTO failed VALUES (?, ?)", key, self.now())

    def failed_factor(self, name: str) -> None:
        """Keep that a code was wrong."""
        self.failed(f"factor:{name}")
        self.did(name, "factor_failed", "")

    def sign_out(self, secret: str) -> None:
        """End a session."""
        rows = self.rows("DELETE FROM session WHERE hash = ? RETURNING name", _hash(secret))
        for (name,) in rows:
            self.did(name, "signed_out", "")

    # -- tokens --------------------------------------------------------------------------------

    def give_token(
        self, person: Person, label: str, scopes: tuple[str, ...], days: int
    ) -> tuple[str, Token]:
        """Return (the token, shown once, what is kept of it). Raises `DataError`."""
        if not label.strip():
            raise DataError("token_label", _LABEL)
        if not 1 <= days <= TOKEN_DAYS:
            raise DataError("token_days", _DAYS.format(given=days, most=TOKEN_DAYS))
        for scope in scopes:
            if scope not in SCOPES:
                text = with_meant(
                    _SCOPE, meant(scope, SCOPES), given=scope, scopes=", ".join(SCOPES)
                )
                raise DataError("token_scope", text)
        secret, now = f"zp_{secrets.token_urlsafe(32)}", self.now()
        token = Token(
            secrets.token_hex(4), person, label.strip()[:80], frozenset(scopes), now + days * 86_400
        )
        self.rows(
            "INSERT INTO token VALUES (?, ?, ?, ?, ?, ?, ?, NULL)",
            _hash(secret), token.id, person.name, token.label, " ".join(sorted(scopes)), now,
            token.ends,
        )  # fmt: skip
        self.did(person.name, "token_given", f"{token.id} {token.label}")
        return secret, token

    def token(self, secret: str) -> Token | None:
        """Return what is kept of a token; None where there is none, or it is over."""
        now = self.now()
        rows = self.rows(
            "UPDATE token SET used = ? WHERE hash = ? AND ends > ? RETURNING id",
            now, _hash(secret), now,
        )  # fmt: skip
        return next((each for each in self.tokens() if rows and each.id == rows[0][0]), None)

    def tokens(self) -> list[Token]:
        """Return all tokens, the newest first."""
        rows = self.rows(
            "SELECT t.id, p.name, p.role, p.party, t.label, t.scopes, t.ends, t.used "
            "FROM token t JOIN person p USING (name) ORDER BY t.made DESC"
        )
        return [
            Token(i, Person(n, role, party), label, frozenset(scopes.split()), ends, used)
            for i, n, role, party, label, scopes, ends, used in rows
        ]

    def revoke(self, token: str, by: str) -> None:
        """End a token at once."""
        self.rows("DELETE FROM token WHERE id = ?", token)
        self.did(by, "token_revoked", token)

    # -- what was done -------------------------------------------------------------------------

    def did(self, name: str, act: str, what: str) -> None:
        """Keep that somebody did something; never a secret."""
        self.rows("INSERT INTO done VALUES (?, ?, ?, ?)", self.now(), name, act, what[:200])

    def acts(self, most: int = 100) -> list[tuple[float, str, str, str]]:
        """Return (when [s since 1970], who, act, what), the newest first."""
        rows = self.rows("SELECT at, name, act, what FROM done ORDER BY rowid DESC LIMIT ?", most)
        return [(float(at), str(name), str(act), str(what)) for at, name, act, what in rows]


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
