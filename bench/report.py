"""The report: a page to read, the same numbers as JSON, and the bounds a run is held against."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import json
import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.findings import GOALS, Findings, Goal, Table

HOW = """\
Written by `make bench`; do not edit. Every tool plans the same seeded problems (`bench/shapes.py`)
with the same HiGHS on one thread, and their optima are compared to 1e-6 before any time is. Tools
take turns, each in a process of its own; times are medians. CPU time is the process's own, from
arrays in memory to arrays in memory: build, hand over, solve, read. "Bare" is the same problem
built by hand as arrays for `highspy`. Read ratios: seconds are the machine's. A case measured alone
(`python -m bench CASE`) replaces its own tables; each table says when and where it was measured."""


def machine() -> str:
    """Return what the measurements ran on, in one line."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        cpu = names[0].split(":", 1)[1].strip() if names else cpu
    parts = [f"{name} {importlib.metadata.version(name)}" for name in ("highspy", "numpy")]
    return f"{cpu}, {os.cpu_count()} cores, Python {platform.python_version()}, {', '.join(parts)}"


@dataclass(frozen=True)
class Measured:
    """A case as measured last: when [date], on what, beside which peers, and what it found."""

    date: str
    machine: str
    peers: dict[str, str]
    found: Findings


def measured_now(found: Findings, peers: dict[str, str]) -> Measured:
    """Return a case measured just now."""
    return Measured(dt.datetime.now(dt.UTC).date().isoformat(), machine(), peers, found)


def read(folder: Path) -> dict[str, Measured]:
    """Return what `benchmarks.json` in `folder` holds, by case; nothing where there is none yet."""
    path = folder / "benchmarks.json"
    if not path.exists():
        return {}
    kept = json.loads(path.read_text(encoding="utf-8"))
    return {name: _from_json(case) for name, case in kept["cases"].items()}


def _from_json(case: dict[str, Any]) -> Measured:
    tables = [Table(**table) for table in case["tables"]]
    found = Findings(tables, case["numbers"])
    return Measured(case["date"], case["machine"], case["peers"], found)


def write(folder: Path, cases: dict[str, Measured]) -> None:
    """Write `benchmarks.md` and `benchmarks.json` into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    everything = Findings()
    for case in cases.values():
        everything.add(case.found)
    lines = ["# Benchmarks", "", HOW, "", "## Goals", "", *_markdown(_goals(everything))]
    for case in cases.values():
        for table in case.found.tables:
            lines += ["", f"## {table.title}", "", table.words, "", *_markdown(table)]
            lines += ["", f"*{case.date}. {case.machine}{_beside(case.peers)}.*"]
    (folder / "benchmarks.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    whole: dict[str, Any] = {
        "goals": [
            {"number": goal.number, "bound": goal.bound, "met": goal.is_met(value)}
            for goal in GOALS
            if (value := everything.numbers.get(goal.number)) is not None
        ],
        "cases": {
            name: {
                "date": case.date,
                "machine": case.machine,
                "peers": case.peers,
                "numbers": case.found.numbers,
                "tables": [vars(table) for table in case.found.tables],
            }
            for name, case in cases.items()
        },
    }
    text = json.dumps(whole, indent=1, ensure_ascii=False)
    (folder / "benchmarks.json").write_text(text + "\n", encoding="utf-8")


def _beside(peers: dict[str, str]) -> str:
    return "".join(f", {name} {version}" for name, version in peers.items())


def _goals(found: Findings) -> Table:
    rows = []
    for goal in GOALS:
        value = found.numbers.get(goal.number)
        shown = "-" if value is None else f"{value:.2f}"
        verdict = (
            "not measured" if value is None else "met" if goal.is_met(value) else "**not met**"
        )
        rows.append((goal.words, f"{'≤' if goal.at_most else '≥'} {goal.bound:g}", shown, verdict))
    return Table("Goals", "", ("what", "goal", "measured", ""), rows)


def _markdown(table: Table) -> list[str]:
    lines = [table.header, ("---",) * len(table.header), *table.rows]
    return ["| " + " | ".join(cells) + " |" for cells in lines]


def worse_than_bounds(bounds: Path, found: Findings) -> list[str]:
    """Return a sentence for each number that is worse than the bound kept in the file `bounds`."""
    if not bounds.exists():
        return ["no bounds are kept yet: `python -m bench --keep` keeps this run's"]
    kept: dict[str, float] = json.loads(bounds.read_text(encoding="utf-8"))
    sentences = []
    for goal in GOALS:
        if goal.number not in found.numbers or goal.number not in kept:
            continue
        bound = Goal(goal.number, goal.words, kept[goal.number], at_most=goal.at_most)
        value = found.numbers[goal.number]
        if not bound.is_met(value):
            side = "at most" if goal.at_most else "at least"
            sentences.append(f"{goal.words}: {value:.2f}, kept bound {side} {bound.bound:.2f}")
    return sentences


def keep_bounds(bounds: Path, found: Findings, margin: float = 1.3) -> None:
    """Write this run's numbers, each with a margin for a noisy machine, as the bounds to hold."""
    kept = json.loads(bounds.read_text(encoding="utf-8")) if bounds.exists() else {}
    for goal in GOALS:
        if goal.number in found.numbers:
            value = found.numbers[goal.number]
            kept[goal.number] = round(value * margin if goal.at_most else value / margin, 3)
    bounds.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
