"""One tool through a closed loop in a process of its own: prints a JSON object with every step.

Run as `python -m bench.loop TOOL SIZE STEPS` by `bench.process`. The park's way is the one that
cold hand-built arrays take, whoever is measured, so that every tool plans the same windows.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial

from bench import bare
from bench.one import TOOLS, find
from bench.planned import Plan, RunClock, measure, peak_memory_mb
from bench.shapes import Park, Problem, Size


def windows(park: Park, steps: int) -> Iterator[Problem]:
    """Yield the plan to make at each step of a closed loop, its forecast revised each time."""
    state = park.start()
    for now in range(steps):
        problem = park.problem(now, state, revised=True)
        yield problem
        cold = bare.Cold(problem)
        highs = bare.quiet(bare.COLD)
        bare.hand_over(highs, cold.at, cold.matrix, cold.numbers)
        state = park.step(problem, state, cold.first_step(bare.optimum(highs)[1]))


def _ring(park: Park, first: Problem) -> Plan:
    del first
    return bare.Ring(park).plan


def _ours(park: Park, first: Problem) -> Plan:
    from bench import ours  # noqa: PLC0415 - peers' environments have no zeropark

    return ours.rolling(park, first).plan


WARM: dict[str, Callable[[Park, Problem], Plan]] = {"bare, ring": _ring, "zeropark, warm": _ours}


def park_of(size: Size) -> Park:
    """Return a park for a week of windows of `size`, the same however many of them are planned."""
    return Park(size, days=size.days + 7)


def main() -> None:
    """Go through the loop and print what each plan took."""
    tool, size, steps = sys.argv[1], Size(**json.loads(sys.argv[2])), int(sys.argv[3])
    before = time.perf_counter()
    plan = find(tool) if tool in TOOLS else None
    imported = time.perf_counter() - before
    rounds, park = [], park_of(size)
    with RunClock() as clock:
        for problem in windows(park, steps):
            plan = plan or WARM[tool](park, problem)
            rounds.append(measure(clock, partial(plan, problem)))
    answer = {
        "import": imported,
        "memory_mb": peak_memory_mb(),
        "rounds": [asdict(each) for each in rounds],
    }
    sys.stdout.write("\n" + json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
