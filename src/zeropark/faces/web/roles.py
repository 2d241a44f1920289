"""Who may do what in the control room: one table, asked by pages, the API and the event stream."""

from __future__ import annotations

from zeropark.units.text import Text

ROLES: dict[str, Text] = {
    "leadership": Text("leadership", "领导"),
    "dispatcher": Text("dispatcher", "调度员"),
    "party": Text("party", "主体"),
    "specialist": Text("specialist", "专业人员"),
    "auditor": Text("auditor", "审计员"),
    "operator": Text("operator of the system", "系统管理员"),
}
_ALL = frozenset(ROLES)
_PARK = _ALL - {"party"}
MAY: dict[str, frozenset[str]] = {
    "see_park": _PARK,
    "see_own": _ALL,
    "try": frozenset({"leadership", "dispatcher", "specialist"}),
    "prove": _PARK,
    "hand_over": frozenset({"dispatcher", "specialist"}),
    "back_up": frozenset({"operator"}),
    "see_people": frozenset({"auditor", "operator"}),
    "change_people": frozenset({"operator"}),
}
"""Verb -> roles that may. `see_own` is what a party may see: its own assets and figures."""


def may(role: str, verb: str) -> bool:
    """Return whether a role may do what the verb says."""
    return role in MAY[verb]
