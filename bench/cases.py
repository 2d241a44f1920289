"""The cases: which tools do what how often, and what is made of their times."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from bench import bare, fan, ours
from bench.findings import Findings, Table
from bench.planned import Plan, Round, RunClock, measure
from bench.process import Ran, is_installed, run
from bench.shapes import P1, P1_SIZES, P4, TINY, Park, Size
from zeropark.formulation.solver import Option

OURS = ("bare", "bare, no presolve", "zeropark")
PEERS = ("linopy", "linopy, file", "PyPSA", "PyPSA, file", "oemof.solph", "flixopt")
# HiGHS settings a day's plan could be solved with; the first is what zeropark uses.
SETTINGS: dict[str, dict[str, Option]] = {
    "dual, devex, no presolve": {},
    "dual, steepest edge, no presolve": {"simplex_dual_edge_weight_strategy": 2},
    "dual, Dantzig, no presolve": {"simplex_dual_edge_weight_strategy": 0},
    "dual, devex, presolve": {"presolve": "on"},
    "primal, no presolve": {"simplex_strategy": 4},
    "interior point (ipx)": {"solver": "ipx", "presolve": "on"},
}


@dataclass(frozen=True)
class Effort:
    """How much is measured. repeats: processes of each tool; steps: of the closed loop."""

    repeats: int = 5
    rounds: int = 4
    steps: int = 672
    peer_steps: int = 4
    scenarios: int = 64
    peers: bool = True
    small: bool = False


SMOKE = Effort(repeats=1, rounds=2, steps=4, scenarios=4, peers=False, small=True)


def say(words: str) -> None:
    """Tell whoever waits what is being measured."""
    sys.stderr.write(f"bench: {words}\n")
    sys.stderr.flush()


def median(rounds: Iterable[Round], part: Callable[[Round], float]) -> float:
    """Return the median of a part of the rounds, in milliseconds."""
    return 1e3 * statistics.median(part(each) for each in rounds)


def compare_optima(runs: dict[str, list[Ran]], what: str) -> None:
    """Raise where two tools disagree by more than 1e-6 on any plan."""
    first = next(iter(runs.values()))[0].rounds
    for tool, rans in runs.items():
        for ran in rans:
            for own, other in zip(first, ran.rounds, strict=False):
                gap = abs(own.objective - other.objective) / abs(own.objective)
                if not gap <= 1e-6:
                    raise RuntimeError(f"{tool} finds another optimum on {what}, {gap:g} apart")


def _interleave(
    tools: Iterable[str], repeats: int, start: Callable[[str], Ran]
) -> dict[str, list[Ran]]:
    runs: dict[str, list[Ran]] = {}
    for repeat in range(repeats):
        for tool in tools:
            say(f"{tool}, {repeat + 1} of {repeats}")
            runs.setdefault(tool, []).append(start(tool))
    return runs


# -- a day's plan --------------------------------------------------------------------------------


def day(effort: Effort) -> Findings:
    """Plan days of several sizes once in a fresh process, then again in the same one."""
    found = Findings()
    for size in (TINY,) if effort.small else P1_SIZES:
        say(f"a day's plan, {size.name}")
        full = size == P1
        tools = list(OURS)
        if effort.peers:
            some = PEERS if full else ("linopy", "PyPSA", "oemof.solph")
            tools += [tool for tool in some if is_installed(tool)]
        repeats = effort.repeats if full else min(effort.repeats, 3)
        rounds = effort.rounds

        def start(tool: str, size: Size = size, rounds: int = rounds) -> Ran:
            return run("bench.one", tool, size, rounds if tool in OURS else min(rounds, 3))

        runs = _interleave(tools, repeats, start)
        compare_optima(runs, size.name)
        found.add(_day_findings(size, runs, headline=full or effort.small))
    found.add(_settings(TINY if effort.small else P1, effort.rounds))
    return found


def _day_findings(size: Size, runs: dict[str, list[Ran]], *, headline: bool) -> Findings:
    again = {tool: _again(rans) for tool, rans in runs.items()}
    total = {tool: median(rounds, lambda r: r.total_cpu) for tool, rounds in again.items()}
    own = total["zeropark"]
    rows = [
        (
            tool,
            _ms(statistics.median(1e3 * ran.rounds[0].total_cpu for ran in rans)),
            _ms(total[tool]),
            _ms(median(again[tool], lambda r: r.total)),
            _ms(median(again[tool], lambda r: r.run_cpu)),
            f"{total[tool] / own:.2f}",
            f"{statistics.median(ran.imported for ran in rans):.2f}",
            f"{statistics.median(ran.memory_mb for ran in rans):.0f}",
        )
        for tool, rans in runs.items()
    ]
    words = (
        f"{_words(size)} First: the first plan of a fresh process; again: the ones after it. "
        f"Import is apart. Median of {len(next(iter(runs.values())))} processes."
    )
    header = (
        *("tool", "first, CPU ms", "again, CPU ms", "again, wall ms", "of it HiGHS, CPU ms"),
        *("× zeropark", "import s", "peak MB"),
    )
    per_run = own / median(again["zeropark"], lambda r: r.run_cpu)
    numbers = {f"day/{size.name}/total_per_run": per_run}
    if headline:
        numbers = {"day/total_per_run": per_run}
        for tool, name in (("linopy", "linopy"), ("PyPSA", "pypsa"), ("oemof.solph", "oemof")):
            if tool in total:
                numbers[f"day/{name}_per_ours"] = total[tool] / own
        if "flixopt" in total:
            numbers["day/flixopt_per_ours"] = total["flixopt"] / own
        numbers["day/ours_per_bare"] = own / total["bare, no presolve"]
    return Findings([Table(f"A day's plan: {size.name}", words, header, rows)], numbers)


def _again(rans: list[Ran]) -> list[Round]:
    return [each for ran in rans for each in ran.rounds[1:]]


def _words(size: Size) -> str:
    cold = bare.Cold(Park(size).problem())
    mine = ours.day(Park(size).problem()).program
    return (
        f"{size.steps} steps of {size.minutes} min, {size.jobs} job classes and {size.cars} groups "
        f"of cars a day. Hand-built: {cold.at.columns} columns, {cold.at.row_count} rows, "
        f"{len(cold.matrix.value)} non-zeros; ours: {mine.column_count}, {mine.row_count}, "
        f"{len(mine.value)}."
    )


def _settings(size: Size, rounds: int) -> Findings:
    """Solve our program of a day with each of six settings of HiGHS."""
    say("settings of HiGHS")
    problem = Park(size).problem()
    plans = {name: _with_settings(options) for name, options in SETTINGS.items()}
    taken: dict[str, list[Round]] = {name: [] for name in plans}
    with RunClock() as clock:
        for _ in range(3 * rounds):
            for name, plan in plans.items():
                taken[name].append(measure(clock, partial(plan, problem)))
    times = {name: median(each, lambda r: r.run_cpu) for name, each in taken.items()}
    best = min(times.values())
    rows = [(name, _ms(time), f"{time / best:.2f}") for name, time in times.items()]
    words = "HiGHS `run()` on our program of the day; the first line is what zeropark uses."
    table = Table("Settings of HiGHS", words, ("settings", "CPU ms", "× best"), rows)
    return Findings([table], {"day/settings": times[next(iter(times))] / best})


def _with_settings(options: dict[str, Option]) -> Plan:
    return lambda problem: ours.day(problem, options).plan(problem)


# -- a closed loop -------------------------------------------------------------------------------


def loop(effort: Effort) -> Findings:
    """Re-plan a moving window of 48 h at every step, its forecast revised each time."""
    size = TINY if effort.small else P4
    own = ("bare", "bare, no presolve", "bare, ring", "zeropark", "zeropark, warm")
    steps = dict.fromkeys(own, effort.steps)
    if effort.peers:
        steps |= {t: effort.peer_steps for t in ("linopy", "PyPSA") if is_installed(t)}
    say(f"closed loop, {effort.steps} steps")
    runs = _interleave(steps, 1, lambda tool: run("bench.loop", tool, size, steps[tool]))
    compare_optima(runs, "the closed loop")
    after = {tool: rans[0].rounds[1:] for tool, rans in runs.items()}
    total = {tool: median(rounds, lambda r: r.total_cpu) for tool, rounds in after.items()}
    highs = {tool: median(rounds, lambda r: r.run_cpu) for tool, rounds in after.items()}
    rows = [
        (
            tool,
            str(steps[tool]),
            _ms(total[tool]),
            _ms(_high(after[tool])),
            _ms(median(after[tool], lambda r: r.total)),
            _ms(highs[tool]),
            f"{total[tool] / total['zeropark, warm']:.2f}",
            f"{runs[tool][0].memory_mb:.0f}",
        )
        for tool in steps
    ]
    words = (
        f"{size.steps} steps ahead; every tool plans the same windows and its optimum is compared "
        "at every step, the first of which is not counted in the times."
    )
    header = (
        *("tool", "steps", "CPU ms", "CPU ms, 95 %", "wall ms", "of it HiGHS, CPU ms"),
        *("× zeropark, warm", "peak MB"),
    )
    numbers = {
        "loop/total_per_run": total["zeropark, warm"] / highs["zeropark, warm"],
        "loop/run_per_ring": highs["zeropark, warm"] / highs["bare, ring"],
        "loop/cold_per_warm": total["zeropark"] / total["zeropark, warm"],
        "loop/ms": total["zeropark, warm"],
    }
    return Findings([Table("Closed loop, one step", words, header, rows)], numbers)


def _high(rounds: list[Round]) -> float:
    ordered = sorted(each.total_cpu for each in rounds)
    return 1e3 * ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]


# -- scenarios -----------------------------------------------------------------------------------


def scenarios(effort: Effort) -> Findings:
    """Solve many courses of one day."""
    say(f"{effort.scenarios} scenarios")
    size = TINY if effort.small else P1
    times = fan.fan_out(size, effort.scenarios, effort.repeats)
    cold = times["zeropark, cold"]
    rows = [(way, _ms(1e3 * time), f"{cold / time:.2f}") for way, time in times.items()]
    words = f"{effort.scenarios} courses of {size.name}; wall time, median of {effort.repeats}."
    header = ("way", "wall ms", "× as fast as zeropark, cold")
    numbers = {"fan/cold_per_chains": cold / times["zeropark, two warm chains"]}
    return Findings([Table("Scenarios", words, header, rows)], numbers)


def _ms(milliseconds: float) -> str:
    return f"{milliseconds:.1f}" if milliseconds < 100 else f"{milliseconds:,.0f}"
