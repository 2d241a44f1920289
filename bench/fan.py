"""Scenarios of one day, solved one after the other or on two threads, cold or as warm chains."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from bench import bare, ours
from bench.planned import Plan
from bench.shapes import Park, Problem, Size, scenarios

THREADS = 2
Way = Callable[[Sequence[Problem]], list[float]]


def fan_out(size: Size, count: int, repeats: int) -> dict[str, float]:
    """Return the median wall time of each way [s]; all ways find the same optima."""
    problems = scenarios(Park(size).problem(), count)
    ways: dict[str, Way] = {
        "bare, cold": _one_after_the_other(lambda _: bare.plan),
        "bare, two warm chains": _on_threads(lambda p: bare.Chain(p).plan),
        "zeropark, cold": _one_after_the_other(lambda _: ours.plan),
        "zeropark, one warm chain": _one_after_the_other(lambda p: ours.day(p).plan),
        "zeropark, two warm chains": _on_threads(lambda p: ours.day(p).plan),
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    first: list[float] | None = None
    for _ in range(repeats):
        for name, way in ways.items():
            before = time.perf_counter()
            found = way(problems)
            taken[name].append(time.perf_counter() - before)
            first = first or found
            assert np.allclose(found, first, rtol=1e-6, atol=0.0), f"{name} finds other optima"
    return {name: float(np.median(times)) for name, times in taken.items()}


def _one_after_the_other(start: Callable[[Problem], Plan]) -> Way:
    def way(problems: Sequence[Problem]) -> list[float]:
        plan = start(problems[0])
        return [plan(problem).objective for problem in problems]

    return way


def _on_threads(start: Callable[[Problem], Plan]) -> Way:
    """Give each thread a stretch of the scenarios, and a solver of its own."""
    chain = _one_after_the_other(start)

    def way(problems: Sequence[Problem]) -> list[float]:
        size = -(-len(problems) // THREADS)
        stretches = [problems[i : i + size] for i in range(0, len(problems), size)]
        with ThreadPoolExecutor(THREADS) as threads:
            return [cost for found in threads.map(chain, stretches) for cost in found]

    return way
