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
    asked = ("run", PARK, "--days", "1", "--json")
    with tempfile.TemporaryDirectory() as empty:
        folder = Path(empty)
        firsts: list[Ended] = []
        cached: list[Ended] = []
        helps: list[Ended] = []
        for repeat in range(effort.repeats):
            say(f"zeropark run, {repeat + 1} of {effort.repeats}")
            cache = folder / f"cache-{repeat}"
            firsts.append(_run(asked, cache, folder / "out"))
            cached.append(_run(asked, cache, folder / "out"))
            helps.append(_run(("--help",), cache, None))
    times = {
        f"`zeropark run {PARK} --days 1`, first": firsts,
        f"`zeropark run {PARK} --days 1`, weather cached": cached,
        "`zeropark --help`": helps,
    }
    words = (
        "Wall time of the whole process. A run plans 96 times, plays the plant, and does it again "
        f"for the rules and for foresight. Median of {effort.repeats}."
    )
    walls = [statistics.median(ended.wall for ended in all_) for all_ in times.values()]
    cpus = [statistics.median(ended.cpu for ended in all_) for all_ in times.values()]
    rows = [
        (name, f"{wall:.2f}", f"{cpu:.2f}")
        for name, wall, cpu in zip(times, walls, cpus, strict=True)
    ]
    first, again, helped = walls
    numbers = {"command/first_s": first, "command/cached_s": again, "command/help_s": helped}
    return Findings([Table("As a command", words, ("command", "wall s", "CPU s"), rows)], numbers)


def year(effort: Effort) -> Findings:
    """Run a year closed loop, and a month beside it for its memory."""
    spans = (1, 2) if effort.small else (30, 365)
    rows, ended = [], []
    with tempfile.TemporaryDirectory() as empty:
        folder = Path(empty)
        for days in spans:
            say(f"zeropark run, {days} days")
            asked = ("run", PARK, "--days", str(days), "--policy", "plan", "--json")
            ended.append(_run(asked, folder / "cache", folder / "out"))
            last = ended[-1]
            minutes = (f"{last.wall / 60:.2f}", f"{last.cpu / 60:.2f}")
            rows.append((str(days), str(days * 96), *minutes, f"{last.memory_mb:.0f}"))
    words = "`zeropark run` at 15 minutes with a new plan at every step."
    header = ("days", "plans", "wall min", "CPU min", "peak MB")
    table = Table("A year closed loop", words, header, rows)
    if effort.small:
        return Findings([table])
    numbers = {
        "year/minutes": ended[1].cpu / 60,
        "year/memory_per_month": ended[1].memory_mb / ended[0].memory_mb,
    }
    return Findings([table], numbers)


def _run(asked: Sequence[str], cache: Path, out: Path | None) -> Ended:
    """Run zeropark with its cache in `cache` and return how it ended."""
    program = python_of("zeropark").with_name("zeropark")
    line = [str(program), *asked, *(("--out", str(out)) if out else ())]
    environment = {**os.environ, **ONE_THREAD, "ZEROPARK_CACHE": str(cache)}
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
