"""`python -m bench.days`: the 17th of each month by rules, plan and foresight, three seeds each.

Writes `docs/reference/twelve-days.md`, or with `--park nanchuan` `twelve-days-nanchuan.md`. Costs
and clean shares are sums over a day that has been lived; nothing here depends on how fast the
machine is.
"""

from __future__ import annotations

import argparse
import datetime as dt
import itertools
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from zeropark.assets import kinds
from zeropark.model.park import Study
from zeropark.model.parkfile import read_park
from zeropark.operate.build import RunRequest
from zeropark.operate.controllers import Controller, Played
from zeropark.operate.run import Run

ROOT = Path(__file__).resolve().parents[1]
PARK = "microgrid"
DAYS = tuple(f"2026-{month:02d}-17" for month in range(1, 13))
SEEDS = (1, 2, 3)
PARTS = ("energy", "demand", "wear", "unserved", "ends")
HEADER = (
    *("day", "seed", "rules", "plan", "foresight", "played", "captured", "won"),
    *("jobs late: rules", "plan", "cars short [MWh]: rules", "plan"),
)
# Below this a difference of energy is the arithmetic's own noise [MWh].
_NOISE = 1e-6


@dataclass(frozen=True)
class Lived:
    """What a policy came to on a day.

    cost: by part [CNY]. grid, used: energy imported, and used or lost [MWh]. late: jobs.
    short: energy cars left without [MWh]. unserved: load that went without [MWh].
    """

    cost: dict[str, float]
    grid: float = 0.0
    used: float = 0.0
    late: float = 0.0
    short: float = 0.0
    unserved: float = 0.0

    @property
    def total(self) -> float:
        """All parts together [CNY]."""
        return sum(self.cost.values())

    def serves_no_less_than(self, other: Lived) -> bool:
        """Return whether jobs, cars and loads fare no worse than by the other policy."""
        return (
            self.late <= other.late
            and self.short <= other.short + _NOISE
            and self.unserved <= other.unserved + _NOISE
        )


@dataclass(frozen=True)
class Day:
    """A day by rules, plan and foresight, and the plan with foresight sent through the plant."""

    day: str
    seed: int
    rules: Lived
    plan: Lived
    foresight: Lived
    played: Lived

    @property
    def won(self) -> bool:
        """Whether the plan is cheaper and serves no less than the rules."""
        return self.plan.total < self.rules.total and self.plan.serves_no_less_than(self.rules)


def captured(days: Sequence[Day]) -> float:
    """Return how far from rules to foresight the plan goes [1]: a ratio of sums over the days."""
    rules = sum(day.rules.total for day in days)
    saved = rules - sum(day.plan.total for day in days)
    return saved / (rules - sum(day.foresight.total for day in days))


def clean_share(lived: Sequence[Lived]) -> float:
    """Return the share of use and losses that was not imported [1], over all days together."""
    return 1.0 - sum(one.grid for one in lived) / sum(one.used for one in lived)


def page_of(park: str) -> Path:
    """Return the page that tells a shipped park's days."""
    name = "twelve-days.md" if park == PARK else f"twelve-days-{park}.md"
    return ROOT / "docs" / "reference" / name


def live_day(day: str, seed: int, park: str = PARK) -> Day:
    """Live through a local day by rules and plan, see it with foresight, and play that."""
    file = ROOT / "parks" / park / "park.yaml"
    read = read_park(file, kinds())
    study = read.studies[0] if read.studies else Study(name="usual", start=dt.date(2026, 1, 1))
    horizon, courses = study.horizon, study.courses
    asked = RunRequest(read, file.parent, day, seed=seed, horizon_hours=horizon, courses=courses)
    run = Run(asked)
    seen = run.foresight()
    starts = np.searchsorted(run.world.grid.starts, seen.grid.starts).tolist()
    return Day(
        day,
        seed,
        rules=_live(run, run.rules()),
        plan=_live(run, run.planned()),
        foresight=Lived(dict(seen.costs)),
        played=_live(run, Played(seen.setpoints, starts)),
    )


def _live(run: Run, controller: Controller) -> Lived:
    outcome = run.live("day", controller, None, lambda *_: None)
    figures, counts = outcome.figures, dict.fromkeys(("jobs_late", "ev_short_mwh"), 0.0)
    for asset in run.world.assets:
        for name, amount in asset.tally(outcome.readings[asset.name]).items():
            counts[name] = counts.get(name, 0.0) + amount
    return Lived(
        outcome.costs,
        grid=figures.imported,
        used=figures.used + figures.lost,
        late=counts["jobs_late"],
        short=counts["ev_short_mwh"],
        unserved=sum(figures.unserved.values()),
    )


def page(days: Sequence[Day], today: dt.date, park: str = PARK) -> str:
    """Return the page: what the days come to, then each of them, then cost by part."""
    wins, cheaper = sum(day.won for day in days), sum(_is_cheaper(day) for day in days)
    seeds = ", ".join(str(seed) for seed in sorted({day.seed for day in days}))
    clean = {name: clean_share([getattr(day, name) for day in days]) for name in ("rules", "plan")}
    lines = [
        "# The twelve days",
        "",
        f"Written by `python -m bench.days --park {park}`; do not edit. The park lives through the",
        f"17th of each month of 2026 with the seeds {seeds}, measured on {today}. Costs are CNY of",
        "a day with its ends settled; foresight is a bound that no plant reaches, played its plan",
        "sent through the plant. A day is won where the plan is cheaper and jobs late, car energy",
        "short and unserved energy are no more than the rules'. Captured is the way from rules to",
        "foresight that the plan goes; over several days it is a ratio of sums.",
        "",
        "| over all days | |",
        "| --- | ---: |",
        f"| captured | {captured(days):.1%} |",
        f"| played captures | {_captured_by_playing(days):.1%} |",
        f"| plan cheaper | {cheaper} of {len(days)} |",
        f"| won | {wins} of {len(days)} |",
        f"| clean share, rules | {clean['rules']:.1%} |",
        f"| clean share, plan | {clean['plan']:.1%} |",
        "",
        "## Day by day",
        "",
        f"| {' | '.join(HEADER)} |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- | ---: | ---: | ---: | ---: |",
    ]
    lines += [_row(day) for day in days]
    lines += [
        "",
        "## Cost by part, mean of a day",
        "",
        "| part | rules | plan | foresight | played |",
    ]
    lines += ["| --- | ---: | ---: | ---: | ---: |"]
    lines += [_part_row(part, days) for part in PARTS]
    return "\n".join(lines) + "\n"


def _is_cheaper(day: Day) -> bool:
    return day.plan.total < day.rules.total


def _captured_by_playing(days: Sequence[Day]) -> float:
    return captured([replace(day, plan=day.played) for day in days])


def _row(day: Day) -> str:
    rules, plan = day.rules, day.plan
    cells = [day.day, str(day.seed)]
    cells += [f"{one.total:,.0f}" for one in (rules, plan, day.foresight, day.played)]
    cells += [f"{captured([day]):.0%}", "yes" if day.won else "no"]
    cells += [f"{rules.late:.0f}", f"{plan.late:.0f}", f"{rules.short:.3f}", f"{plan.short:.3f}"]
    return f"| {' | '.join(cells)} |"


def _part_row(part: str, days: Sequence[Day]) -> str:
    means = [
        sum(getattr(day, name).cost.get(part, 0.0) for day in days) / len(days)
        for name in ("rules", "plan", "foresight", "played")
    ]
    return f"| {part} | {' | '.join(f'{mean:,.0f}' for mean in means)} |"


def main() -> None:
    """Live through all days, two at a time, and write the page."""
    ask = argparse.ArgumentParser(prog="python -m bench.days", description=__doc__)
    ask.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    ask.add_argument("--park", default=PARK, help="a shipped park")
    ask.add_argument("--out", type=Path, help="the page that is written")
    given = ask.parse_args()
    asked = [(day, seed, given.park) for seed, day in itertools.product(given.seeds, DAYS)]
    with ProcessPoolExecutor(2) as pool:
        days = list(pool.map(live_day, *zip(*asked, strict=True)))
    told = page(days, dt.datetime.now(dt.UTC).date(), given.park)
    (given.out or page_of(given.park)).write_text(told, encoding="utf-8")
    print(f"captured {captured(days):.1%}, won {sum(day.won for day in days)} of {len(days)}")


if __name__ == "__main__":
    main()
