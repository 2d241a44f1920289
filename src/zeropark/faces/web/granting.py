"""Changing a person's role: at once for another, and for oneself not into one that commands.

Who would command takes a second person's word, or waits a day in which every page says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from zeropark.data.errors import DataError
from zeropark.faces.web.roles import ROLES, commands
from zeropark.units.refusal import meant, with_meant
from zeropark.units.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zeropark.faces.web.people import People

WAIT_S = 86_400.0
"""How long who grants himself a role that commands waits where nobody else grants it [s]."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS asked_role (
  name TEXT PRIMARY KEY, role TEXT NOT NULL, party TEXT, asked REAL NOT NULL) STRICT;
"""
_ROLE = Text(
    "'{given}' is no role{meant} Allowed: {roles}", "没有角色“{given}”{meant}允许：{roles}"
)
_PARTY = Text(
    "the role party needs one of the park's parties: {names}", "角色“主体”须指明园区主体：{names}"
)
_NOBODY = Text("there is nobody called '{given}'", "没有名为“{given}”的人员")
_NONE = Text("nobody waits for that role any more", "已无人等待该角色")
_OWN = Text(
    "a second person grants it, and not who asked; or it holds a day after it was asked for",
    "须由另一人授予；否则申请一天后生效",
)


@dataclass(frozen=True)
class AskedRole:
    """A role somebody asked for himself. asked, ends: when, and when it holds [s since 1970]."""

    name: str
    role: str
    asked: float
    ends: float


class Granting:
    """The roles of the people's file, as they change."""

    def __init__(self, people: People) -> None:
        self._people = people
        people.make(_SCHEMA)

    def change(
        self, name: str, role: str, by: str, party: str | None, parties: Sequence[str]
    ) -> bool:
        """Change a person's role; return whether it holds now. Raises `DataError`."""
        if role not in ROLES:
            text = with_meant(_ROLE, meant(role, ROLES), given=role[:40], roles=", ".join(ROLES))
            raise DataError("person_role", text)
        if role == "party" and party not in parties:
            raise DataError("person_party", _PARTY.format(names=", ".join(parties)))
        if name not in {each.name for each in self._people.all()}:
            raise DataError("person_absent", _NOBODY.format(given=name[:40]))
        whose = party if role == "party" else None
        if name == by and commands(role):
            self._people.rows(
                "INSERT OR REPLACE INTO asked_role VALUES (?, ?, ?, ?)",
                name, role, whose, self._people.now(),
            )  # fmt: skip
            self._people.did(by, "role_asked", role)
            return False
        self._set(name, role, whose, by)
        return True

    def grant(self, name: str, by: str) -> None:
        """Let a second person grant what somebody asked for himself. Raises `DataError`."""
        if name == by:
            raise DataError("role_own", _OWN)
        rows = self._people.rows("SELECT role, party FROM asked_role WHERE name = ?", name)
        if not rows:
            raise DataError("role_gone", _NONE)
        self._set(name, rows[0][0], rows[0][1], by)

    def refuse(self, name: str, by: str) -> None:
        """Let what somebody asked for himself never hold."""
        self._people.rows("DELETE FROM asked_role WHERE name = ?", name)
        self._people.did(by, "role_refused", name)

    def waiting(self) -> list[AskedRole]:
        """Return who waits; whose day is over has the role from now on."""
        now = self._people.now()
        rows = self._people.rows("SELECT name, role, party, asked FROM asked_role ORDER BY asked")
        found = []
        for name, role, party, asked in rows:
            if now >= asked + WAIT_S:
                self._set(name, role, party, name)
            else:
                found.append(AskedRole(name, role, asked, asked + WAIT_S))
        return found

    def _set(self, name: str, role: str, party: str | None, by: str) -> None:
        self._people.rows("UPDATE person SET role = ?, party = ? WHERE name = ?", role, party, name)
        self._people.rows("DELETE FROM asked_role WHERE name = ?", name)
        self._people.did(by, "role_changed", f"{name}, {role}")
