"""The status of a park in operation as lines for a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zeropark.faces.cli.calls_screen import one_call, power, row
from zeropark.faces.locale import gettext as _
from zeropark.faces.locale import language
from zeropark.operate.alarms import rows


def lines(status: Mapping[str, Any]) -> list[str]:
    """Return the status as lines: flows and limits, levers and why, plan, orders, alarms."""
    found = [f"── {status.get('at', '-')} " + "─" * 40]
    found += [row(name, power(flow)) for name, flow in status.get("flows_mw", {}).items()]
    for name, lever in status.get("levers", {}).items():
        told, shown = power(lever["told_mw"]), power(lever["shown_mw"])
        words = _("told {told}, shows {shown}: {why}")
        found.append(row(name, words.format(told=told, shown=shown, why=lever["why"])))
    for name, soc in status.get("soc", {}).items():
        found.append(row(f"{name}/soc", _("unknown") if soc is None else f"{soc:.1%}"))
    plan = status["plan"]
    if plan is not None:
        words = _("{grade}, {age:.0f} s old, made for: {why}")
        found.append(
            row(_("plan"), words.format(grade=plan["grade"], age=plan["age_s"], why=plan["why"]))
        )
    if status["stopped"]:
        found.append(row(_("orders"), _("THE PARK IS STOPPED")))
    for name, value in status["hand_mw"].items():
        found.append(row(_("by hand"), f"{name} = {power(value)}"))
    found += [row(_("locked"), name) for name in status["locked"]]
    found += [line for each in status["calls"] for line in one_call(each)]
    for alarm in status["alarms"]:
        said = rows()[alarm["id"].partition(":")[0]]
        title, action = (each.in_language(language()) for each in (said.title, said.action))
        found.append(row(f"[{alarm['priority']}]", f"{title} ({alarm['id']}): {action}"))
    words = _("{cycles} cycles, {late} late; {rate:.1f} alarms an hour")
    burden = status["burden"]["per_hour"]
    found.append(
        row(_("cycle"), words.format(cycles=status["cycles"], late=status["overruns"], rate=burden))
    )
    return found
