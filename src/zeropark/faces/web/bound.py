"""Tokens that command: bound to named assets, a power range and an address, granted by a second.

Who makes one for somebody is not who grants it: the owner does, on the page Me.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zeropark.data.errors import DataError
from zeropark.operate.orders import ON_ASSETS
from zeropark.units.refusal import meant, with_meant
from zeropark.units.text import Text

if TYPE_CHECKING:
    from zeropark.faces.web.people import People, Token

_SCHEMA = """
CREATE TABLE IF NOT EXISTS bound (
  id TEXT PRIMARY KEY, assets TEXT NOT NULL, low REAL NOT NULL, high REAL NOT NULL,
  address TEXT NOT NULL, made_by TEXT NOT NULL, granted_by TEXT) STRICT;
"""
_NO_ASSETS = Text(
    "a token that commands names its assets{meant} Allowed: {allowed}",
    "可下达指令的令牌须指明资产{meant}可用：{allowed}",
)
_RANGE = Text(
    "power from {low:g} to {high:g} MW: write two numbers, the lower first",
    "功率 {low:g} 至 {high:g} MW：写两个数，小的在前",
)
_ADDRESS = Text(
    "'{given}' is no address; a token that commands is bound to one, such as 192.0.2.7",
    "“{given}”不是地址；可下达指令的令牌须绑定地址，如 192.0.2.7",
)
_NOT_GRANTED = Text(
    "the token waits for its owner's grant, on the page Me", "令牌待所有者在“我”页授予"
)
_ELSEWHERE = Text(
    "the token commands from {bound} only, and this came from {given}",
    "该令牌只能从 {bound} 下达指令，本次来自 {given}",
)
_OTHER = Text(
    "the token commands {assets} only, and not '{given}'", "该令牌只能指挥 {assets}，不含“{given}”"
)
_PARK = Text(
    "a token commands its assets and may stop the park; '{given}' is asked by a person",
    "令牌只能指挥其资产并可急停；“{given}”须由人下达",
)
_WIDE = Text(
    "the token sets {low:g} to {high:g} MW only, and not {given:g} MW",
    "该令牌只能设定 {low:g} 至 {high:g} MW，不含 {given:g} MW",
)
_OWN = Text(
    "who made a token does not grant it; its owner does, and is somebody else",
    "制作者不能授予；须由另一人即所有者授予",
)
_BESIDE = frozenset({"stop", "explain"})
_VALUES = ("value", "low", "high", "power")


@dataclass(frozen=True)
class Bound:
    """What a token that commands is bound to. low, high: of set-points [MW]."""

    id: str
    assets: tuple[str, ...]
    low: float
    high: float
    address: str
    made_by: str
    granted_by: str | None


class Bounds:
    """The bounds of tokens in the people's file."""

    def __init__(self, people: People) -> None:
        self._people = people
        people.make(_SCHEMA)

    def bind(
        self, token: Token, assets: Sequence[str], low: float, high: float, address: str, by: str,
        known: Sequence[str],
    ) -> None:  # fmt: skip
        """Bind a token. known: the park's assets. Raises `DataError`; see also `check`."""
        self.check(assets, low, high, address, known)
        if token.person.name == by:
            raise DataError("bound_own", _OWN)
        self._people.rows(
            "INSERT INTO bound VALUES (?, ?, ?, ?, ?, ?, NULL)",
            token.id, "\n".join(assets), low, high, address, by,
        )  # fmt: skip

    def check(
        self, assets: Sequence[str], low: float, high: float, address: str, known: Sequence[str]
    ) -> None:
        """Raise `DataError` unless a token may be bound so."""
        wrong = next((each for each in assets if each not in known), None)
        if not assets or wrong is not None:
            near = meant(wrong or "", known)
            text = with_meant(_NO_ASSETS, near, allowed=", ".join(known))
            raise DataError("bound_assets", text)
        if not low <= high:
            raise DataError("bound_range", _RANGE.format(low=low, high=high))
        try:
            ipaddress.ip_address(address)
        except ValueError:
            raise DataError("bound_address", _ADDRESS.format(given=address[:40])) from None

    def of(self, token: str) -> Bound | None:
        """Return what a token is bound to; None where it commands nothing."""
        return next((each for each in self.all() if each.id == token), None)

    def all(self) -> list[Bound]:
        """Return all bounds."""
        rows = self._people.rows(
            "SELECT id, assets, low, high, address, made_by, granted_by FROM bound"
        )
        return [Bound(i, tuple(a.split("\n")), *rest) for i, a, *rest in rows]

    def grant(self, token: str, by: str) -> None:
        """Let the owner of a token grant it. Raises `DataError` for anybody else."""
        owner = next((t.person.name for t in self._people.tokens() if t.id == token), None)
        bound = self.of(token)
        if bound is None or owner != by or bound.made_by == by:
            raise DataError("bound_own", _OWN)
        self._people.rows("UPDATE bound SET granted_by = ? WHERE id = ?", by, token)
        self._people.did(by, "token_granted", token)

    def allow(self, token: Token, asked: Mapping[str, Any], address: str) -> None:
        """Raise `DataError` unless a token may ask for this from this address."""
        bound = self.of(token.id)
        if bound is None or bound.granted_by is None:
            raise DataError("bound_not_granted", _NOT_GRANTED)
        if ipaddress.ip_address(bound.address) != _address(address):
            text = _ELSEWHERE.format(bound=bound.address, given=address)
            raise DataError("bound_address", text)
        if asked["verb"] not in ON_ASSETS | _BESIDE:
            raise DataError("bound_verb", _PARK.format(given=asked["verb"]))
        if asked["verb"] in ON_ASSETS and asked.get("on") not in bound.assets:
            given = str(asked.get("on"))[:40]
            text = _OTHER.format(assets=", ".join(bound.assets), given=given)
            raise DataError("bound_assets", text)
        for name in _VALUES:
            value = asked.get(name)
            if value is not None and not bound.low <= value <= bound.high:
                text = _WIDE.format(low=bound.low, high=bound.high, given=value)
                raise DataError("bound_range", text)


def _address(given: str) -> Any:
    try:
        return ipaddress.ip_address(given)
    except ValueError:
        return None
