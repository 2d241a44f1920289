"""Who may do what in the control room: the one table of `operate`, asked by every door of it."""

from __future__ import annotations

from zeropark.operate.authority import TABLE
from zeropark.units.text import Text

ROLES: dict[str, Text] = {
    "leadership": Text("leadership", "领导"),
    "dispatcher": Text("dispatcher", "调度员"),
    "party": Text("party", "主体"),
    "specialist": Text("specialist", "专业人员"),
    "auditor": Text("auditor", "审计员"),
    "operator": Text("operator of the system", "系统管理员"),
}
# What the table calls by another name.
_AS = {"operator": "system"}
_ASKED: dict[str, tuple[str, str]] = {
    "see_park": ("see", "park"),
    "see_own": ("see", "own"),
    "see_calls": ("calls", "park"),
    "try": ("try", "park"),
    "prove": ("prove", "park"),
    "hand_over": ("hand_over", "park"),
    "back_up": ("back_up", "park"),
    "see_people": ("see", "people"),
    "change_people": ("change", "people"),
}


def acting(role: str) -> str:
    """Return a role as `operate` calls it."""
    return _AS.get(role, role)


def roles_for(verb: str, on: str) -> frozenset[str]:
    """Return the roles that may do `verb` on an object of kind `on`."""
    allowed = TABLE.get((verb, on), frozenset())
    return frozenset(role for role in ROLES if acting(role) in allowed)


MAY: dict[str, frozenset[str]] = {name: roles_for(*asked) for name, asked in _ASKED.items()}
"""Verb -> roles that may. `see_own` is what a party may see: its own assets and figures."""


def may(role: str, verb: str) -> bool:
    """Return whether a role may do what the verb says."""
    return role in MAY[verb]


def commands(role: str) -> bool:
    """Return whether a role may move anything: more than to stop."""
    moving = (("hold", "asset"), ("hold", "own"), ("call", "park"), ("resume", "park"))
    return any(role in roles_for(*each) for each in moving)
