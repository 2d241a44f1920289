"""Run a study: a park, days and a policy, lived in a process of its own; runs side by side."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zeropark.data.errors import DataError
from zeropark.faces.cli.asked import FIRST_DAY, LAST_DAY
from zeropark.faces.cli.parks import PARK_FILE, shipped_park, shipped_parks
from zeropark.faces.report.shown import Measure, amount, money, percent
from zeropark.faces.web import numbers
from zeropark.faces.web.jobs import DONE, OPEN, Job, Jobs
from zeropark.faces.web.page import Form, Page, View
from zeropark.units.refusal import meant, with_meant
from zeropark.units.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

WORDS = {
    "head": Text("Studies", "研究"),
    "ask": Text("Run a study", "运行研究"),
    "ask_caption": Text(
        "on the simulated plant, in a process of its own; the park shown here is not touched",
        "在仿真电站上、以独立进程运行；不影响此处的园区",
    ),
    "park": Text("Park", "园区"),
    "this": Text("this park: {park}", "当前园区：{park}"),
    "start": Text("First day", "首日"),
    "days": Text("Days, 1 to {most}", "天数，1 至 {most}"),
    "policy": Text("Who decides", "决策方式"),
    "policy_plan": Text("plan", "计划"),
    "policy_rules": Text("simple rules", "简单规则"),
    "compare": Text(
        "also live rules and perfect foresight beside it (three times as long)",
        "同时运行规则与完美预知作对比（用时约三倍）",
    ),
    "go": Text("Run", "运行"),
    "not_yours": Text("Your role sees studies and runs none.", "当前角色可看研究，不可运行。"),
    "runs": Text("Runs", "运行记录"),
    "runs_caption": Text("the newest first; the last 40 are kept", "新的在前；保留最近 40 个"),
    "no_runs": Text(
        "Nothing has been run yet. Choose a park on the left.", "尚未运行。在左侧选择。"
    ),
    "waiting": Text("waiting", "等待"),
    "running": Text("running", "运行中"),
    "done": Text("done", "完成"),
    "cancelled": Text("cancelled", "已取消"),
    "failed": Text("refused", "被拒绝"),
    "interrupted": Text("cut off: the control room was stopped", "中断：控制室停止"),
    "stage_world": Text("weather, loads and prices", "天气、负荷与电价"),
    "stage_plan": Text("plan and plant", "计划与电站"),
    "stage_rules": Text("simple rules", "简单规则"),
    "stage_foresight": Text("perfect foresight", "完美预知"),
    "stage_played": Text("foresight, played", "预知回放"),
    "stage_perfect_forecast": Text("plan with the weather known", "已知天气的计划"),
    "stage_report": Text("report", "报告"),
    "steps": Text("{done} of {total}", "{done} / {total}"),
    "took": Text("took {seconds} s", "用时 {seconds} s"),
    "cancel": Text("Cancel", "取消"),
    "remove": Text("Remove", "移除"),
    "report": Text("Report", "报告"),
    "of_run": Text("{days} d from {start}", "自 {start} 起 {days} d"),
    "asked_by": Text("{name}, {at}", "{name}，{at}"),
    "choose": Text("Compare", "对比"),
    "side": Text("Side by side", "并排对比"),
    "side_caption": Text(
        "differences are to the first column, of the numbers as they are shown",
        "差值相对第一列，按所示数字计算",
    ),
    "unlike": Text(
        "These runs differ in park, first day or days, so only shares and prices compare.",
        "各运行的园区、首日或天数不同；仅占比与单价可比。",
    ),
    "tick": Text("Tick two to four runs and compare them.", "勾选两至四个运行进行对比。"),
    "clean_share": Text("clean share", "清洁占比"),
    "cost": Text("cost", "成本"),
    "cost_per": Text("cost of each MWh used", "单位用电成本"),
    "carbon": Text("carbon, location-based", "碳排放（基于位置）"),
    "served": Text("electricity used", "用电量"),
    "import": Text("grid energy", "购电量"),
    "export": Text("exported", "上网电量"),
    "peak": Text("highest import", "最大购电"),
    "curtailed": Text("curtailed", "弃电量"),
    "unserved": Text("not served", "未供电量"),
    "made": Text("wall time", "用时"),
}
ACTS = {
    "study_asked": Text("asked for a study", "提交研究"),
    "study_cancelled": Text("cancelled a study", "取消研究"),
    "study_removed": Text("removed a study", "移除研究"),
}
_MOST_DAYS = 366
_MOST_SIDE = 4
_POLICIES = ("plan", "rules")
_PARK = Text(
    "'{given}' is no park here{meant} Allowed: {names}", "此处没有园区“{given}”{meant}可用：{names}"
)
_DATE = Text(
    "'{given}' is not a date. Write it as year-month-day, such as 2026-04-15.",
    "“{given}”不是日期。写作 年-月-日，如 2026-04-15。",
)
_DAY = Text(
    "{given} is out of range. Allowed: {first} to {last}.",
    "{given} 超出范围。允许：{first} 至 {last}。",
)
_DAYS = Text(
    "'{given}' is not a whole number from 1 to {most}.", "“{given}”不是 1 至 {most} 的整数。"
)
_POLICY = Text(
    "'{given}' is not known{meant} Allowed: plan, rules", "未知“{given}”{meant}可用：plan, rules"
)
_MAY_NOT = Text(
    "Your role runs no study; leadership, dispatchers and specialists do. Nothing was done.",
    "当前角色不可运行研究；领导、调度员与专业人员可以。未执行。",
)
_NOT_DONE = Text("this run has no result to compare", "此运行没有可对比的结果")
_SIDES = Text(
    "{given} runs are ticked; compare two to {most}", "勾选了 {given} 个；对比 2 至 {most} 个"
)
_THIS = "this"
_WHAT = ("park", "start", "days")


def context(
    view: View, wrong: Mapping[str, str] | None = None, given: Form | None = None
) -> Mapping[str, Any]:
    """Return what the page shows. wrong: sentences by field. given: what the form said."""
    jobs, said = _jobs(view), ""
    ticked = [name[2:] for name in view.query if name.startswith("r_")]
    sides: list[dict[str, Any]] = []
    if ticked:
        try:
            sides = _sides(view, jobs, ticked)
        except DataError as error:
            said = view.say(error.text)
    usual = {
        "park": _THIS if _THIS in _parks(view) else shipped_parks()[0],
        "start": view.living.run.request.start, "days": "1", "policy": "plan", "compare": "",
    }  # fmt: skip
    return {
        "parks": _parks(view),
        "policies": _POLICIES,
        "most": _MOST_DAYS,
        "given": {**usual, **(given or {})},
        "wrong": wrong or {},
        "said": (wrong or {}).get("", said),
        "may": view.may("try"),
        "jobs": [_shown(view, job, ticked) for job in jobs.all()],
        "sides": sides,
        "alike": len({tuple(s["asked"][key] for key in _WHAT) for s in sides}) <= 1,
        "rows": _rows(view, sides),
    }


def _jobs(view: View) -> Jobs:
    jobs: Jobs = view.kept["study"]
    return jobs


def _parks(view: View) -> dict[str, str]:
    """Return the parks a study may live, by the form's word."""
    own = view.living.run.request.folder / PARK_FILE
    here = view.say(WORDS["this"].format(park=view.say(view.park.shown)))
    found = {_THIS: here} if own.is_file() else {}
    return found | {name: name for name in shipped_parks()}


def _shown(view: View, job: Job, ticked: Sequence[str]) -> dict[str, Any]:
    """Return a run as a row of the list."""
    at = dt.datetime.fromtimestamp(job.at, dt.UTC).isoformat(" ", "minutes")[:16] + "Z"
    found: dict[str, Any] = {
        "id": job.id, "state": job.state, "open": job.state in OPEN, "done": job.state == DONE,
        "asked": job.asked, "park": _park_word(view, job.asked["park"]), "by": job.by, "at": at,
        "said": job.said if job.state not in {DONE, *OPEN} else "", "ticked": job.id in ticked,
        "stage": f"stage_{job.stage}" if f"stage_{job.stage}" in WORDS else "",
        "share": 100.0 * job.done / job.total if job.total else 0.0,
        "steps": (job.done, job.total), "mine": view.may("try"),
        "seconds": None if job.seconds is None else f"{job.seconds:.0f}",
    }  # fmt: skip
    return found


def _park_word(view: View, name: str) -> str:
    return view.say(view.park.shown) if name == _THIS else name


# -- side by side ----------------------------------------------------------------------------------


def _sides(view: View, jobs: Jobs, ticked: Sequence[str]) -> list[dict[str, Any]]:
    if not 2 <= len(ticked) <= _MOST_SIDE:  # noqa: PLR2004 - one alone is beside nothing
        raise DataError("sides", _SIDES.format(given=len(ticked), most=_MOST_SIDE))
    found = []
    for id_ in ticked:
        job = jobs.one(id_)
        file = jobs.place(job.id) / "out" / "run.json"
        if job.state != DONE or not file.is_file():
            raise DataError("side_absent", _NOT_DONE)
        result = json.loads(file.read_text(encoding="utf-8"))
        found.append(
            {"asked": job.asked, "park": _park_word(view, job.asked["park"]),
             "policy": job.asked["policy"], "result": result, "seconds": job.seconds}
        )  # fmt: skip
    return found


def _of(side: Mapping[str, Any]) -> dict[str, float | None]:
    result = side["result"]
    cost, served = result["cost_cny"]["total"], result["served_mwh"]
    return {
        "clean_share": result["clean_share"],
        "cost": cost,
        "cost_per": cost / served if served else None,
        "carbon": result["co2_t"],
        "served": served,
        "import": result["grid_import_mwh"],
        "export": result["grid_export_mwh"],
        "peak": result["grid_peak_mw"],
        "curtailed": result["curtailed_mwh"],
        "unserved": result["unserved_mwh"],
        "made": side["seconds"],
    }


def _each_mwh(*values: float | None) -> Measure:
    written = amount("CNY/MWh", *values)
    return Measure(Text("CNY/MWh", "元/MWh"), written.factors, written.decimals)


def _seconds(*values: float | None) -> Measure:
    return amount("s", *values)


def _tonnes(*values: float | None) -> Measure:
    return amount("tCO₂", *values)


_WRITTEN: Mapping[str, Callable[..., Measure]] = {
    "clean_share": percent, "cost": money, "cost_per": _each_mwh, "carbon": _tonnes,
    "served": numbers.energy, "import": numbers.energy, "export": numbers.energy,
    "peak": numbers.power, "curtailed": numbers.energy, "unserved": numbers.energy,
    "made": _seconds,
}  # fmt: skip


def _rows(view: View, sides: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the table: a row for each figure, with each run's number and its difference."""
    every = [_of(side) for side in sides]
    rows = []
    for name, write in _WRITTEN.items():
        values = [figures[name] for figures in every]
        if not values or all(value is None for value in values):
            continue
        measure = write(*values)
        first = values[0]
        largest = max(abs(value) for value in values if value is not None)
        cells = [
            {
                "number": view.say(measure.number(value)),
                "absent": value is None,
                "bar": 100.0 * abs(value) / largest if value is not None and largest else 0.0,
                "apart": ""
                if nth == 0 or value is None or first is None
                else view.say(measure.difference(value, first)),
            }
            for nth, value in enumerate(values)
        ]
        rows.append({"name": name, "unit": view.say(measure.head), "cells": cells})
    return rows


# -- what forms do ---------------------------------------------------------------------------------


def _ask(view: View, form: Form) -> str | Mapping[str, Any]:
    wrong = {} if view.may("try") else {"": view.say(_MAY_NOT)}
    source, days = _checked(view, form, wrong)
    if wrong:
        return context(view, wrong, form)
    asked = {
        "park": form["park"], "start": form["start"].strip(), "days": str(days),
        "policy": form["policy"], "compare": form.get("compare", ""),
    }  # fmt: skip

    def words(folder: Path) -> list[str]:
        plain = [] if asked["compare"] else ["--no-compare"]
        return [
            "run", str(source), "--start", asked["start"], "--days", asked["days"],
            "--policy", asked["policy"], "--out", str(folder / "out"), "--json", *plain,
        ]  # fmt: skip

    me = view.session.person.name
    try:
        job = _jobs(view).ask(asked, words, me, view.language)
    except DataError as error:
        return context(view, {"": view.say(error.text)}, form)
    view.people.did(me, "study_asked", f"{job.id} {asked['park']} {asked['days']} d")
    return "/study"


def _checked(view: View, form: Form, wrong: dict[str, str]) -> tuple[Path, int]:
    """Return (park file, days); every mistake goes into `wrong` as a sentence of its field."""
    parks, park = _parks(view), form.get("park", "")
    source = Path()
    if park not in parks:
        text = with_meant(_PARK, meant(park, parks), given=park[:40], names=", ".join(parks))
        wrong["park"] = view.say(text)
    elif park == _THIS:
        source = view.living.run.request.folder / PARK_FILE
    else:
        source = shipped_park(park)
    start = form.get("start", "").strip()
    try:
        day = dt.date.fromisoformat(start)
    except ValueError:
        wrong["start"] = view.say(_DATE.format(given=start[:40]))
    else:
        if not FIRST_DAY <= day <= LAST_DAY:
            values = {"given": day, "first": FIRST_DAY, "last": LAST_DAY}
            wrong["start"] = view.say(_DAY.format(**values))
    given = form.get("days", "").strip()
    days = int(given) if given.isascii() and given.isdecimal() and len(given) < 6 else 0  # noqa: PLR2004 - more digits than any limit
    if not 1 <= days <= _MOST_DAYS:
        wrong["days"] = view.say(_DAYS.format(given=given[:40], most=_MOST_DAYS))
    policy = form.get("policy", "")
    if policy not in _POLICIES:
        text = with_meant(_POLICY, meant(policy, _POLICIES), given=policy[:40])
        wrong["policy"] = view.say(text)
    return source, days


def _end(view: View, form: Form, act: str) -> str | Mapping[str, Any]:
    if not view.may("try"):
        return context(view, {"": view.say(_MAY_NOT)})
    jobs, id_ = _jobs(view), form.get("id", "")
    try:
        if act == "study_cancelled":
            jobs.cancel(id_)
        else:
            jobs.remove(id_)
    except DataError as error:
        return context(view, {"": view.say(error.text)})
    view.people.did(view.session.person.name, act, id_)
    return "/study"


def report(view: View) -> tuple[str, str, bytes]:
    """Return (type, name, bytes) of a run's own report. Raises `DataError` where there is none."""
    jobs = _jobs(view)
    job = jobs.one(view.query.get("run", ""))
    file = jobs.place(job.id) / "out" / "report.html"
    if not file.is_file():
        raise DataError("side_absent", _NOT_DONE)
    return "text/html; charset=utf-8", f"zeropark-simulated-{job.id}.html", file.read_bytes()


PAGE = Page(
    "study", Text("Studies", "研究"), WORDS, context, order=10, key="s", live=False, keeper=Jobs,
    acts=ACTS, files={"report": report},
    posts={
        "ask": _ask,
        "cancel": lambda view, form: _end(view, form, "study_cancelled"),
        "remove": lambda view, form: _end(view, form, "study_removed"),
    },
)  # fmt: skip
