"""The report: a page to read, the same numbers as JSON, and the bounds a run is held against."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import json
import os
import platform
from pathlib import Path
from typing import Any

from bench.findings import GOALS, Findings, Goal, Table

HOW = """\
Written by `make bench`; do not edit. Every tool plans the same seeded problems (`bench/shapes.py`)
with the same HiGHS on one thread, and their optima are compared to 1e-6 before any time is. Tools
take turns, each in a process of its own; times are medians. CPU time is the process's own, from
arrays in memory to arrays in memory: build, hand over, solve, read. "Bare" is the same problem
built by hand as arrays for `highspy`. Read ratios: seconds are this machine's."""


def machine() -> str:
    """Return what the measurements ran on, in one line."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        cpu = names[0].split(":", 1)[1].strip() if names else cpu
    parts = [f"{name} {importlib.metadata.version(name)}" for name in ("highspy", "numpy")]
    return f"{cpu}, {os.cpu_count()} cores, Python {platform.python_version()}, {', '.join(parts)}"


def write(folder: Path, found: Findings, peers: dict[str, str]) -> None:
    """Write `benchmarks.md` and `benchmarks.json` into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    today = dt.datetime.now(dt.UTC).date().isoformat()
    lines = ["# Benchmarks", "", HOW, "", f"- Date: {today}", f"- Machine: {machine()}"]
    if peers:
        lines.append(
            "- Peers: " + ", ".join(f"{name} {version}" for name, version in peers.items())
        )
    lines += ["", "## Goals", "", *_markdown(_goals(found))]
    for table in found.tables:
        lines += ["", f"## {table.title}", "", table.words, "", *_markdown(table)]
    (folder / "benchmarks.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    whole: dict[str, Any] = {
        "date": today,
        "machine": machine(),
        "peers": peers,
        "numbers": found.numbers,
        "goals": [
            {
                "number": goal.number,
                "bound": goal.bound,
                "met": goal.is_met(found.numbers[goal.number]),
            }
            for goal in GOALS
            if goal.number in found.numbers
        ],
        "tables": [vars(table) for table in found.tables],
    }
    text = json.dumps(whole, indent=1, ensure_ascii=False)
    (folder / "benchmarks.json").write_text(text + "\n", encoding="utf-8")


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
