"""What a case found: tables to read, and numbers by name to hold against goals and bounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Table:
    """A table of the report; cells are texts already."""

    title: str
    words: str
    header: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


@dataclass
class Findings:
    """What one case or several found. numbers: by the name goals and bounds know them by."""

    tables: list[Table] = field(default_factory=list)
    numbers: dict[str, float] = field(default_factory=dict)

    def add(self, other: Findings) -> None:
        """Take in what another case found."""
        self.tables += other.tables
        self.numbers |= other.numbers


@dataclass(frozen=True)
class Goal:
    """What a number should reach: at most or at least `bound`."""

    number: str
    words: str
    bound: float
    at_most: bool = True

    def is_met(self, found: float) -> bool:
        """Return whether `found` reaches the goal."""
        return found <= self.bound if self.at_most else found >= self.bound


GOALS = (
    Goal("day/total_per_run", "a day's plan: total by HiGHS `run()`", 1.2),
    Goal("day/linopy_per_ours", "a day's plan: linopy by ours", 25.0, at_most=False),
    Goal("day/pypsa_per_ours", "a day's plan: PyPSA by ours", 60.0, at_most=False),
    Goal("day/settings", "a day's plan: our settings by the best of six", 1.1),
    Goal("loop/total_per_run", "closed-loop step: total by HiGHS `run()`", 1.5),
    Goal("loop/run_per_ring", "closed-loop step: `run()` by that of the hand-built ring", 1.1),
    Goal("loop/cold_per_warm", "closed-loop step: our cold by our warm", 3.0, at_most=False),
    Goal("fan/cold_per_chains", "64 scenarios: 64 cold solves by warm chains", 3.5, at_most=False),
    Goal("fleet/cpu_s", "5,000 single cars and batteries, a day [CPU s]", 2.0),
    Goal("fleet/gap_percent", "5,000 devices: proven gap of what they can save [%]", 1.0),
    Goal("fleet/four_times_the_devices", "20,000 devices by 5,000: CPU time", 4.0),
    Goal("command/cached_s", "as a command, weather cached [s]", 0.5),
    Goal("command/first_s", "as a command, the first time [s]", 5.0),
    Goal("command/help_s", "`zeropark --help` [s]", 0.3),
    Goal("nanchuan/around_percent", "a day's plan of nanchuan: all but `run()`, of it [%]", 20.0),
    Goal("nanchuan/around_ms", "a day's plan of nanchuan: all but `run()` [ms]", 15.0),
    Goal("nanchuan/settings", "a day's plan of nanchuan: our settings by the best of six", 1.1),
    Goal("nanchuan/day_cpu_s", "a day of nanchuan closed loop [CPU s]", 15.0),
    Goal("nanchuan/day_mb", "a day of nanchuan closed loop: peak memory [MB]", 500.0),
    Goal("year/minutes", "a year closed loop at 15 min [CPU min]", 5.0),
    Goal("year/memory_per_month", "a year's peak memory by that of a month", 1.1),
    Goal("proof/rows_per_s", "ledger: rows verified a second", 200_000.0, at_most=False),
    Goal("proof/leaves_per_s", "ledger: JSON leaves verified a second", 20_000.0, at_most=False),
    Goal("ledger/readings_per_s_one", "readings durable a second", 200_000.0, at_most=False),
    Goal("ledger/readings_per_cpu_s_one", "readings a CPU second", 200_000.0, at_most=False),
    Goal("ledger/day_ms", "hourly sums of a day of 1,000 meters [ms]", 100.0),
    Goal("ledger/latest_ms", "newest of 1,000 meters [ms]", 5.0),
    Goal("ledger/month_ms", "a month of 1,000 meters by meter [ms]", 1_000.0),
    Goal("gateway/longest_s", "2,000 devices in the cycle: the longest cycle [s]", 1.5),
    Goal("gateway/cpu_s", "2,000 devices in the cycle: processor time of one [s]", 1.0),
    Goal("ledger/year_mb", "a year of 1,000 meters at 15 min [MB]", 300.0),
)
