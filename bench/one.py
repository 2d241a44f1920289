"""One tool on one problem in a process of its own: prints a JSON object with every round.

Run as `python -m bench.one TOOL SIZE ROUNDS`, from the repository's root, by `bench.process`.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from dataclasses import asdict

from bench.planned import Plan, RunClock, measure, peak_memory_mb
from bench.shapes import Park, Size

TOOLS = {
    "bare": "bench.bare:plan",
    "bare, no presolve": "bench.bare:plan_without_presolve",
    "zeropark": "bench.ours:plan",
    "linopy": "bench.peers.with_linopy:plan",
    "linopy, file": "bench.peers.with_linopy:plan_through_file",
    "PyPSA": "bench.peers.with_pypsa:plan",
    "PyPSA, file": "bench.peers.with_pypsa:plan_through_file",
    "oemof.solph": "bench.peers.with_oemof:plan",
    "flixopt": "bench.peers.with_flixopt:plan",
}


def find(tool: str) -> Plan:
    """Return the function by which `tool` plans; importing it imports the tool."""
    module, name = TOOLS[tool].split(":")
    plan: Plan = getattr(importlib.import_module(module), name)
    return plan


def main() -> None:
    """Plan the asked number of rounds and print what they took."""
    tool, size, rounds = sys.argv[1], Size(**json.loads(sys.argv[2])), int(sys.argv[3])
    before = time.perf_counter()
    plan = find(tool)
    imported = time.perf_counter() - before
    problem = Park(size).problem()
    with RunClock() as clock:
        done = [measure(clock, lambda: plan(problem)) for _ in range(rounds)]
    answer = {
        "import": imported,
        "memory_mb": peak_memory_mb(),
        "rounds": [asdict(each) for each in done],
    }
    sys.stdout.write("\n" + json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
