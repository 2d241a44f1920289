"""The calls of a park as lines for a person: what was called, delivered and earned."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from zeropark.faces.cli.help import cells
from zeropark.faces.locale import gettext as _
from zeropark.faces.locale import language
from zeropark.operate.calls import Stage
from zeropark.operate.products import products

_WIDE = 24


def call_lines(answer: Mapping[str, Any]) -> list[str]:
    """Return the calls, each with the steps it came to, and how sure the next one is."""
    calls: Sequence[Mapping[str, Any]] = answer["calls"]
    found = [line for call in calls for line in one_call(call)] or [_("No calls yet.")]
    confidence = answer.get("confidence")
    if confidence is not None:
        words = _("{delivered} of {asked} delivered in full; the next one at {share:.0%}")
        found.append(row(_("confidence"), words.format(**confidence)))
    if answer.get("calls_failing"):
        found.append(row(_("not settled"), str(answer["calls_failing"])))
    return found


def one_call(call: Mapping[str, Any]) -> list[str]:
    """Return one call's lines: what it asks, where it stands, what it came to."""
    product = products()[call["product"]].title.in_language(language())
    stage = Stage(call["stage"]).words.in_language(language())
    begin = dt.datetime.fromtimestamp(call["begin"], dt.UTC).isoformat(timespec="minutes")
    asks = (
        _("{power} less for {hours:g} h from {begin}")
        if call["way"] == "less"
        else _("{power} more for {hours:g} h from {begin}")
    )
    asks = asks.format(power=power(call["power_mw"]), hours=call["hours"], begin=begin)
    found = [row(call["call"], f"{product}: {asks}"), row("", f"{stage}{_held(call)}")]
    if "because" in call:
        found.append(row("", call["because_zh" if language() == "zh" else "because"]))
    if "earned_cny" in call:
        words = _(
            "{asked:.3f} MWh asked, {got:.3f} delivered ({share:.0%}); paid CNY {paid:,.2f}, "
            "penalty {fine:,.2f}, earned {earned:,.2f}"
        )
        found.append(
            row(
                "",
                words.format(
                    asked=call["asked_mwh"],
                    got=call["delivered_mwh"],
                    share=call["delivered_share"],
                    paid=call["paid_cny"],
                    fine=call["fine_cny"],
                    earned=call["earned_cny"],
                ),
            )
        )
    if "baseline_method" in call:
        words = _("baseline: {method}; hours before it gamed: {gamed}")
        found.append(row("", words.format(method=call["baseline_method"], gamed=call["gamed"])))
    shares = [f"{party} {cny:,.2f}" for party, cny in call.get("shares_cny", {}).items()]
    if shares:
        words = _("shared ({rule}): CNY {shares}")
        found.append(row("", words.format(rule=call["share_rule"], shares=", ".join(shares))))
    return found


def _held(call: Mapping[str, Any]) -> str:
    if "cap_mw" in call:
        return "; " + _("import at most {cap}").format(cap=power(min(call["cap_mw"])))
    if "floor_mw" in call:
        return "; " + _("import at least {floor}").format(floor=power(max(call["floor_mw"])))
    return ""


def row(name: str, words: str) -> str:
    """Return a line of the screen: a name, then words."""
    return f"  {name}{' ' * max(1, _WIDE - cells(name))}{words}"


def power(value: float | None) -> str:
    """Return a power as a person reads it [MW]."""
    return _("unknown") if value is None else f"{value:.3f} MW"
