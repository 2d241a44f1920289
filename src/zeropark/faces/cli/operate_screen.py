"""The status of a park in operation as lines for a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zeropark.faces.cli.help import cells
from zeropark.faces.locale import gettext as _
from zeropark.faces.locale import language
from zeropark.operate.alarms import rows

_WIDE = 24


def lines(status: Mapping[str, Any]) -> list[str]:
    """Return the status as lines: flows and limits, levers and why, plan, orders, alarms."""
    found = [f"── {status.get('at', '-')} " + "─" * 40]
    found += [_row(name, _power(flow)) for name, flow in status.get("flows_mw", {}).items()]
    for name, lever in status.get("levers", {}).items():
        told, shown = _power(lever["told_mw"]), _power(lever["shown_mw"])
        words = _("told {told}, shows {shown}: {why}")
        found.append(_row(name, words.format(told=told, shown=shown, why=lever["why"])))
    for name, soc in status.get("soc", {}).items():
        found.append(_row(f"{name}/soc", _("unknown") if soc is None else f"{soc:.1%}"))
    plan = status["plan"]
    if plan is not None:
        words = _("{grade}, {age:.0f} s old, made for: {why}")
        found.append(
            _row(_("plan"), words.format(grade=plan["grade"], age=plan["age_s"], why=plan["why"]))
        )
    if status["stopped"]:
        found.append(_row(_("orders"), _("THE PARK IS STOPPED")))
    for name, value in status["hand_mw"].items():
        found.append(_row(_("by hand"), f"{name} = {_power(value)}"))
    found += [_row(_("locked"), name) for name in status["locked"]]
    found += [_row(_("call"), _call(each)) for each in status["calls"]]
    for alarm in status["alarms"]:
        row = rows()[alarm["id"].partition(":")[0]]
        title, action = (each.in_language(language()) for each in (row.title, row.action))
        found.append(_row(f"[{alarm['priority']}]", f"{title} ({alarm['id']}): {action}"))
    words = _("{cycles} cycles, {late} late; {rate:.1f} alarms an hour")
    burden = status["burden"]["per_hour"]
    found.append(
        _row(
            _("cycle"), words.format(cycles=status["cycles"], late=status["overruns"], rate=burden)
        )
    )
    return found


def _call(call: Mapping[str, Any]) -> str:
    if "earned_cny" in call:
        words = _("{power} called; {called:.3f} MWh asked, {got:.3f} delivered, CNY {earned:,.2f}")
        return words.format(
            power=_power(call["power_mw"]),
            called=call["called_mwh"],
            got=call["delivered_mwh"],
            earned=call["earned_cny"],
        )
    words = _("{power} less for {hours:g} h, {stage}; import at most {cap}")
    return words.format(
        power=_power(call["power_mw"]),
        hours=call["hours"],
        stage=call["stage"],
        cap=_power(call["cap_mw"]),
    )


def _row(name: str, words: str) -> str:
    return f"  {name}{' ' * max(1, _WIDE - cells(name))}{words}"


def _power(value: float | None) -> str:
    return _("unknown") if value is None else f"{value:.3f} MW"
