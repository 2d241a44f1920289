"""What a user waits for: zeropark as a command, from the shell's prompt to its end."""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.cases import Effort, say
from bench.findings import Findings, Table
from bench.process import ONE_THREAD, ROOT, python_of

PARK = "microgrid"


@dataclass(frozen=True)
class Ended:
    """A command that ended: wall and CPU time [s] and the most memory it held [MB]."""

    wall: float
    cpu: float
    memory_mb: float


def command(effort: Effort) -> Findings:
    """Start zeropark with its weather-derived series cached, and with an empty cache."""
    plan = ("plan", PARK, "--json")
    asked = ("run", PARK, "--days", "1", "--json")
    with tempfile.TemporaryDirectory() as empty:
        folder = Path(empty)
        firsts, cached, lived, helps = _lists(4)
        # Whoever uses it has Python's compiled files, as an installed package does.
        zeropark(("--help",), folder / "none", None)
        for repeat in range(effort.repeats):
            say(f"zeropark plan and run, {repeat + 1} of {effort.repeats}")
            cache = folder / f"cache-{repeat}"
            firsts.append(zeropark(plan, cache, None))
            cached.append(zeropark(plan, cache, None))
            lived.append(zeropark(asked, cache, folder / "out"))
            helps.append(zeropark(("--help",), cache, None))
    times = {
        f"`zeropark plan {PARK}`, first": firsts,
        f"`zeropark plan {PARK}`, weather cached": cached,
        f"`zeropark run {PARK} --days 1`, weather cached": lived,
        "`zeropark --help`": helps,
    }
    words = (
        "Wall time of the whole process. A plan is of one day in quarter-hours. A run plans 96 "
        "times, plays the plant, and does it again for the rules and for foresight. Median of "
        f"{effort.repeats}."
    )
    walls = [statistics.median(ended.wall for ended in all_) for all_ in times.values()]
    cpus = [statistics.median(ended.cpu for ended in all_) for all_ in times.values()]
    rows = [
        (name, f"{wall:.2f}", f"{cpu:.2f}")
        for name, wall, cpu in zip(times, walls, cpus, strict=True)
    ]
    first, again, _, helped = walls
    numbers = {"command/first_s": first, "command/cached_s": again, "command/help_s": helped}
    return Findings([Table("As a command", words, ("command", "wall s", "CPU s"), rows)], numbers)


def _lists(count: int) -> list[list[Ended]]:
    return [[] for _ in range(count)]


def year(effort: Effort) -> Findings:
    """Run a year closed loop by plan and by rules, a month beside it, and foresight apart."""
    month, whole = ("1", "2") if effort.small else ("30", "365")
    alone, grown = "--no-compare", ("--horizon", "24h+24h")
    asked: dict[str, tuple[str, ...]] = {
        "plan, a month": (month, "--policy", "plan", alone, *grown),
        "plan": (whole, "--policy", "plan", alone, *grown),
        "rules": (whole, "--policy", "rules", alone),
        "rules, foresight, played": (whole, "--policy", "rules"),
    }
    ended: dict[str, Ended] = {}
    with tempfile.TemporaryDirectory() as empty:
        folder = Path(empty)
        for name, (days, *words) in asked.items():
            say(f"zeropark run, {days} days by {name}")
            line = ("run", PARK, "--days", days, *words, "--json")
            ended[name] = zeropark(line, folder / "cache", folder / "out")
    rows = [
        (
            name,
            asked[name][0],
            f"{each.wall / 60:.2f}",
            f"{each.cpu / 60:.2f}",
            f"{each.memory_mb:.0f}",
        )
        for name, each in ended.items()
    ]
    told = (
        "`zeropark run` at 15 minutes, by plan with a new one at every step, a day ahead by "
        "quarter-hours and a day more by the hour; report and files are part of it. Foresight is "
        "one plan of the year by the hour."
    )
    table = Table(
        "A year closed loop", told, ("run", "days", "wall min", "CPU min", "peak MB"), rows
    )
    if effort.small:
        return Findings([table])
    numbers = {
        "year/minutes": (ended["plan"].cpu + ended["rules"].cpu) / 60,
        "year/memory_per_month": ended["plan"].memory_mb / ended["plan, a month"].memory_mb,
    }
    return Findings([table], numbers)


def zeropark(asked: Sequence[str], cache: Path, out: Path | None) -> Ended:
    """Run zeropark with its cache in `cache` and return how it ended."""
    program = python_of("zeropark").with_name("zeropark")
    line = [str(program), *asked, *(("--out", str(out)) if out else ())]
    environment = {**os.environ, **ONE_THREAD, "ZEROPARK_CACHE": str(cache)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    before = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(  # noqa: S603 - the command is our own
            line, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=said
        )
        # wait4 tells this child's own memory, where getrusage would tell the largest child's.
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - before
        if child.returncode:
            said.seek(0)
            words = said.read().decode()[-2000:]
            raise RuntimeError(f"{' '.join(line)} ended with {child.returncode}:\n{words}")
    return Ended(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
