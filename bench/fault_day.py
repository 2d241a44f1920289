"""`python -m bench.fault_day`: a day of a park over real protocols, and a fault every ten minutes.

A simulated site, two instances of operate that lead by turns, the database and the watchdog are
processes of their own. Faults are drawn at random from a seed; what came of them is read from the
site's truth log and from the ledger, never from what operate says of itself.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import yaml

from bench.fault_table import Case, Judged, Kept, judge, page_of
from bench.process import ONE_THREAD, ROOT
from tests.ledger import server
from zeropark.data.errors import DataError
from zeropark.devices.simulated.device import Fault
from zeropark.ledger import canonical
from zeropark.ledger.store import create
from zeropark.operate.site_door import LINES, ask_site
from zeropark.operate.socket import NAME, hand_over
from zeropark.operate.truth import read_truth
from zeropark.units.text import Text

EVERY = 600.0
# The lease, how long what is paused stays so, and how long what is gone is away [s of the park].
LEASE, PAUSED, AWAY = 60.0, 120.0, 60.0
_FAULTS = tuple(each.value for each in Fault)
_HUGE_MW = 1_000.0
_LEFT = 64 << 10
# Of a cycle, in our time [s]; of the database's small disk and the room kept on it.
CYCLE, DISK_MB, RESERVE = 0.4, 384, 8 << 20
SMALL = ("shared_buffers=16MB", "max_wal_size=64MB", "min_wal_size=32MB", "checkpoint_timeout=30s")
_NOBODY = Text("nobody answers", "无应答")
_MAIN = "from zeropark.faces.cli import main; main()"


@dataclass
class Day:
    """The processes of a day. speed: seconds of the park in one of ours. folder: what it leaves."""

    park: str
    speed: float
    folder: Path
    address: str
    data: Path
    disk: Path | None = None
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    cases: list[Case] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    sizes: dict[int, bytes] = field(default_factory=dict)

    @property
    def site(self) -> Path:
        """Folder of the site."""
        return self.folder / "site"

    def now(self) -> float:
        """Return the site's clock [POSIX s]."""
        return float(ask_site(self.site, {})["now"])

    def begin(self, name: str, *words: str) -> None:
        """Start a command of zeropark as a process of its own."""
        environment = {**os.environ, **ONE_THREAD}
        with (self.folder / f"{name}.txt").open("ab") as said:
            self.running[name] = subprocess.Popen(  # noqa: S603 - our own command
                [sys.executable, "-c", _MAIN, *words],
                stdout=said, stderr=said, cwd=ROOT, env=environment,
            )  # fmt: skip

    def begin_all(self, start: str, at: str) -> None:
        """Start the site, both instances and the watchdog; wait until one leads."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        self.begin(
            "site", "site", "simulate", self.park, "--start", start, "--at", at, "--days", "2",
            "--speed", f"{self.speed:g}", "--port", port, "--out", str(self.site),
        )  # fmt: skip
        until((self.site / "devices.yaml").exists, 90.0)
        self.operate("a")
        until(lambda: self.leader() == "a", 90.0)
        self.operate("b")
        self.watchdog()

    def operate(self, name: str) -> None:
        """Start an instance; the second is one whose solver has no time."""
        within = "60s" if name == "a" else "0.01s"
        self.begin(
            name, "operate", self.park, "--site", str(self.site), "--standby",
            "--cycle", f"{CYCLE:g}s",
            "--lease", f"{LEASE:g}s", "--folder", str(self.folder / name), "--store", self.address,
            "--plan-within", within,
        )  # fmt: skip

    def watchdog(self) -> None:
        """Start who minds the first instance."""
        self.begin(
            "watchdog", "watchdog", self.park, "--site", str(self.site), "--store", self.address,
            "--folder", str(self.folder / "a"), "--patience", "1s",
        )  # fmt: skip

    def ask(self, name: str, **said: Any) -> dict[str, Any]:
        """Ask an instance; what is refused or not answered raises `DataError`."""
        told = {"role": "dispatcher", "why": "fault day", "seconds": 600, **said}
        try:
            return hand_over(self.folder / name / NAME, told)
        except json.JSONDecodeError:
            raise DataError("nobody_listens", _NOBODY) from None

    def leader(self) -> str | None:
        """Return which instance leads now."""
        for name in "ab":
            with contextlib.suppress(DataError):
                if self.ask(name, verb="see")["leads"]:
                    return name
        return None

    def kill(self, name: str) -> None:
        """End a process as `kill -9` does."""
        each = self.running.pop(name)
        with contextlib.suppress(ProcessLookupError):
            os.kill(each.pid, signal.SIGCONT)
        each.kill()
        each.wait()

    def wait(self, seconds: float) -> None:
        """Let so much of the park's time pass."""
        time.sleep(seconds / self.speed)

    # -- what goes wrong -----------------------------------------------------------------------

    def fault(self, kind: str, asset: str, seconds: float) -> None:
        """Have one thing go wrong for a while and note when it began and ended."""
        begun = self.now()
        said = ""
        if kind in _FAULTS:
            ask_site(self.site, {"asset": asset, "fault": kind, "seconds": seconds})
            self.wait(seconds)
        else:
            said = _DOING[kind](self)
        self.cases.append(Case(kind, asset, begun, self.now(), said))

    def _leader_paused(self) -> str:
        name = self.leader() or "a"
        pid = self.running[name].pid
        os.kill(pid, signal.SIGSTOP)
        self.wait(PAUSED)
        os.kill(pid, signal.SIGCONT)
        return ""

    def _leader_killed(self) -> str:
        name = self.leader() or "a"
        self.kill(name)
        self.wait(AWAY)
        self.operate(name)
        return ""

    def _watchdog_killed(self) -> str:
        self.kill("watchdog")
        self.wait(AWAY)
        self.watchdog()
        return ""

    def _database_restarted(self) -> str:
        restart(self.data)
        return ""

    def _solver_late(self) -> str:
        """Let the instance lead whose solver has no time."""
        if self.leader() == "a":
            self._leader_paused()
        self.wait(AWAY)
        return ""

    def _call_too_large(self) -> str:
        name = self.leader() or "a"
        try:
            answer = self.ask(name, verb="call", power=_HUGE_MW, after=0.0, hours=0.5, price=1.0)
        except DataError as error:
            return f"refused: {error.key}"
        self.acknowledged.append(str(answer["order"]))
        return "voided"

    def _disk_full(self) -> str:
        """Fill the database's disk for a while, then bring the server back where it fell."""
        if self.disk is None:
            return "no small disk here"
        filler = self.disk / "filler"
        free = os.statvfs(self.disk).f_bavail * os.statvfs(self.disk).f_frsize
        with filler.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(1, free - _LEFT))
        self.wait(AWAY)
        filler.unlink()
        restart(self.data)
        return ""

    # -- what is asked meanwhile ---------------------------------------------------------------

    def command(self, draw: random.Random) -> None:
        """Give a command or two, as an operator does, and remember what was acknowledged."""
        name = self.leader()
        if name is None:
            return
        verb = draw.choice(("hold", "auto", "limit", "unlimit"))
        asset, point = ("battery", {"value": draw.uniform(-1.0, 1.0)})
        if verb.endswith("limit"):
            asset, point = "tie", {"high": 3.0}
        said = point if verb in {"hold", "limit"} else {}
        with contextlib.suppress(DataError):
            self.acknowledged.append(str(self.ask(name, verb=verb, on=asset, **said)["order"]))

    def note_size(self) -> None:
        """Remember the newest leaf of the log, which must be the same at the end."""
        with contextlib.suppress(psycopg.Error), psycopg.connect(self.address) as connection:
            row = connection.execute("SELECT size, body FROM leaf ORDER BY size DESC LIMIT 1")
            found = row.fetchone()
            if found is not None:
                self.sizes[int(found[0])] = bytes(found[1])

    def end(self) -> None:
        """End in peace: the standby first, so that nobody takes over."""
        for name in ("watchdog", *(n for n in "ab" if n != self.leader())):
            if name in self.running:
                self.kill(name)
        for each in list(self.running.values())[::-1]:
            each.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                each.wait(30)

    def close(self) -> None:
        """End whatever still runs."""
        for name in list(self.running):
            self.kill(name)


_DOING: Mapping[str, Callable[[Day], str]] = {
    "leader paused": Day._leader_paused,  # noqa: SLF001 - a table of its own methods
    "leader killed": Day._leader_killed,  # noqa: SLF001
    "watchdog killed": Day._watchdog_killed,  # noqa: SLF001
    "database restarted": Day._database_restarted,  # noqa: SLF001
    "solver time-out": Day._solver_late,  # noqa: SLF001
    "call too large": Day._call_too_large,  # noqa: SLF001
    "disk full": Day._disk_full,  # noqa: SLF001
}


def until(holds: Callable[[], bool], seconds: float) -> None:
    """Wait until something holds; raises `TimeoutError` after so long [s]."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.1)


def data_of(address: str) -> Path:
    """Return where the server of an address keeps its data."""
    with psycopg.connect(address) as connection:
        row = connection.execute("SHOW data_directory").fetchone()
    assert row is not None, "every server has one"
    return Path(row[0])


def restart(data: Path) -> None:
    """Restart the server at once, as after a power failure, or start it where it fell."""
    programs = server.programs()
    assert programs is not None, "the server was started with them"
    owner = data.stat().st_uid if os.getuid() == 0 else None
    command = [str(programs / "pg_ctl"), "-D", str(data), "-w", "-m", "immediate"]
    subprocess.run(  # noqa: S603 - the server's own program
        [*command, "-l", str(data.parent / "log"), "restart"], check=False, cwd=data.parent,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, user=owner,
        extra_groups=None if owner is None else [],
    )  # fmt: skip


def live(
    day: Day, seconds: float, seed: int, kinds: Sequence[str], say: Callable[[str], None]
) -> None:
    """Live for `seconds` of the park with a fault of `kinds` every ten minutes, drawn by `seed`."""
    draw = random.Random(seed)  # noqa: S311 - chance, no secret
    lines = yaml.safe_load((day.site / LINES).read_text(encoding="utf-8"))["devices"]
    assets = sorted({line["asset"] for line in lines})
    begun = day.now()
    due = begun + EVERY / 2
    while due < begun + seconds:
        while day.now() < due:
            day.command(draw)
            day.note_size()
            day.wait(min(EVERY / 4, max(1.0, due - day.now())))
        kind = draw.choice(kinds)
        asset = draw.choice(assets) if kind in _FAULTS else ""
        lasts = draw.uniform(60.0, 300.0)
        say(f"{(day.now() - begun) / 3600.0:.2f} h: {kind} {asset}")
        day.fault(kind, asset, lasts)
        due += EVERY
    until(lambda: day.leader() is not None, 60.0)


@contextlib.contextmanager
def beginning(park: str, speed: float, folder: Path, start: str, at: str) -> Iterator[Day]:
    """Run a day's processes on a server of its own, on a small disk where one can be mounted."""
    folder.mkdir(parents=True, exist_ok=True)
    with small_disk() as disk, server.server(disk, SMALL) as address:
        create(address, "simulated", reserve=RESERVE)
        day = Day(park, speed, folder, address, data_of(address), disk)
        try:
            day.begin_all(start, at)
            yield day
        finally:
            day.close()
            if disk is not None:
                (disk / "filler").unlink(missing_ok=True)
            restart(day.data)


@contextlib.contextmanager
def small_disk() -> Iterator[Path | None]:
    """Mount a file system of a few hundred megabytes; None where that is not allowed."""
    place = Path(tempfile.mkdtemp(prefix="zeropark-disk-"))
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(place)]
    done = subprocess.run(command, check=False, capture_output=True)  # noqa: S603 - as written
    place.chmod(0o755)
    try:
        yield place if done.returncode == 0 else None
    finally:
        if done.returncode == 0:
            subprocess.run(["umount", "-l", str(place)], check=True)  # noqa: S603, S607 - as above
        place.rmdir()


def judged(day: Day) -> Judged:
    """Return what came of a day, from the truth log and the ledger."""
    day.end()
    with psycopg.connect(day.address) as connection:
        rows = connection.execute("SELECT size, body FROM leaf").fetchall()
        entries = connection.execute(
            "SELECT l.body FROM entry e JOIN leaf l ON l.size = e.size "
            "WHERE e.kind IN ('alarm', 'command') ORDER BY e.size"
        ).fetchall()
    leaves = {int(size): bytes(body) for size, body in rows}
    said = [canonical.loads(bytes(body)) for (body,) in entries]
    lost = sum(leaves.get(size) != body for size, body in day.sizes.items())
    return judge(
        read_truth(day.site / "truth.jsonl"),
        day.cases,
        [each for each in said if isinstance(each, dict)],
        Kept(tuple(day.acknowledged), len(day.sizes), lost),
        reaction=LEASE + 4 * CYCLE * day.speed,
    )


def main() -> int:
    """Live through a day; write the page where one is asked for; return 0 where nothing broke."""
    ask = argparse.ArgumentParser(prog="python -m bench.fault_day", description=__doc__)
    ask.add_argument("--park", default="microgrid")
    ask.add_argument("--speed", type=float, default=20.0)
    ask.add_argument("--hours", type=float, default=24.0)
    ask.add_argument("--seed", type=int, default=1)
    ask.add_argument("--start", default="2026-04-17")
    ask.add_argument("--at", default="00:00")
    ask.add_argument("--only", nargs="*", default=[], help="of the faults; all where none is named")
    ask.add_argument("--out", type=Path, default=ROOT / "runs" / "fault-day")
    ask.add_argument("--page", type=Path, help="where the page of figures is written")
    given = ask.parse_args()
    kinds = given.only or [*_FAULTS, *_DOING]
    with beginning(given.park, given.speed, given.out, given.start, given.at) as day:
        live(day, given.hours * 3600.0, given.seed, kinds, lambda said: print(said, flush=True))
        found = judged(day)
    text = page_of(found, f"{given.park}, {given.hours:g} h at {given.speed:g}x, seed {given.seed}")
    (given.out / "fault-day.md").write_text(text, encoding="utf-8")
    if given.page:
        given.page.write_text(text, encoding="utf-8")
    print(text)
    return 0 if found.holds else 1


if __name__ == "__main__":
    raise SystemExit(main())
