"""Operate, the watchdog and the site as processes of their own, over Modbus on loopback.

What is killed, stopped or cut off leaves the park safe; the site's own truth log judges.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.operate.one_way import Proxy
from tests.operate.site_process import __file__ as site_script
from zeropark.data.errors import DataError
from zeropark.operate.socket import NAME, hand_over
from zeropark.operate.truth import Truth, breaches, read_truth

HERE = Path(__file__).parent
PARK = HERE / "small.yaml"
SPEED = 15.0
# Of the standard layout: after so long a silence a device lets go [s of the site].
OWN_WATCHDOG = 60.0


class Processes:
    """What runs, each ended at the end of the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.truth_file = folder / "truth.jsonl"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.running: list[subprocess.Popen[bytes]] = []

    def begin(self, *command: str) -> subprocess.Popen[bytes]:
        with (self.folder / "said.txt").open("ab") as said:
            started = subprocess.Popen([sys.executable, *command], stdout=said, stderr=said)
        self.running.append(started)
        return started

    def site(self) -> subprocess.Popen[bytes]:
        script = str(site_script)
        root = str(HERE.parents[1])
        code = f"import sys; sys.path.insert(0, {root!r}); import runpy; sys.argv = sys.argv[1:]; "
        code += "runpy.run_path(sys.argv[0], run_name='__main__')"
        return self.begin(
            "-c", code, script, str(PARK), str(self.port), str(SPEED), str(self.truth_file)
        )

    def zeropark(self, *words: str) -> subprocess.Popen[bytes]:
        return self.begin("-c", "from zeropark.faces.cli import main; main()", *words)

    def operate(self, port: int | None = None) -> subprocess.Popen[bytes]:
        place = f"127.0.0.1:{port or self.port}"
        return self.zeropark(
            "operate", str(PARK), "--site", place, "--start", "2026-04-17",
            "--speed", str(SPEED), "--cycle", "0.25s", "--store", str(self.folder / "store"),
        )  # fmt: skip

    def watchdog(self, port: int | None = None) -> subprocess.Popen[bytes]:
        return self.zeropark(
            "watchdog", str(PARK), "--site", f"127.0.0.1:{port or self.port}",
            "--store", str(self.folder / "store"), "--patience", "2s",
        )  # fmt: skip

    def truth(self) -> Truth:
        return read_truth(self.truth_file)

    def battery(self) -> float:
        return float(self.truth().column("bat/p")[-1]) if self.truth_file.exists() else 0.0

    def ask(self, **said: object) -> bool:
        told = {"role": "dispatcher", "why": "test", "seconds": 600, **said}
        try:
            hand_over(self.folder / "store" / NAME, told)
        except DataError:
            return False
        return True


def until(holds: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "never came"
        time.sleep(0.05)


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    found = Processes(tmp_path)
    yield found
    for each in found.running:
        with contextlib.suppress(ProcessLookupError):
            os.kill(each.pid, signal.SIGCONT)
        each.kill()
        each.wait()


def let_go_after(processes: Processes) -> float:
    """Wait until the battery rests; return how long that took on the site's clock [s]."""
    begun = float(processes.truth().at[-1])
    until(lambda: abs(processes.battery()) < 1e-3)
    return float(processes.truth().at[-1]) - begun


def test_the_park_is_safe_whoever_is_stopped_or_killed(processes: Processes) -> None:
    processes.site()
    until(lambda: processes.truth_file.exists() and processes.truth_file.stat().st_size > 2_000)
    operate = processes.operate()
    until(lambda: processes.ask(verb="hold", on="bat", value=0.5))
    until(lambda: abs(processes.battery() - 0.5) < 1e-3)

    # The watchdog process acts before the devices' own: 2 s of ours are 30 s there.
    minding = processes.watchdog()
    time.sleep(3.5)
    assert abs(processes.battery() - 0.5) < 1e-3
    os.kill(operate.pid, signal.SIGSTOP)
    assert let_go_after(processes) < 59.0
    os.kill(operate.pid, signal.SIGCONT)
    until(lambda: abs(processes.battery() - 0.5) < 1e-3)

    # Both killed: the device's own watchdog.
    minding.kill()
    operate.kill()
    assert let_go_after(processes) <= OWN_WATCHDOG + 30.0

    # Started anew, the order of before holds again.
    operate.wait()
    processes.operate()
    until(lambda: abs(processes.battery() - 0.5) < 1e-3)
    assert breaches(processes.truth(), reaction=0.0) == []


def test_the_park_is_safe_without_its_watchdog_without_both_and_without_a_cable(
    processes: Processes,
) -> None:
    processes.site()
    until(lambda: processes.truth_file.exists() and processes.truth_file.stat().st_size > 2_000)
    cable = Proxy(processes.port)
    operate, minding = processes.operate(cable.port), processes.watchdog(cable.port)
    until(lambda: processes.ask(verb="hold", on="bat", value=0.5))
    until(holds := lambda: abs(processes.battery() - 0.5) < 1e-3)

    # Without who minds it, operate goes on.
    begun = len(processes.truth().at)
    os.kill(minding.pid, signal.SIGSTOP)
    until(lambda: len(processes.truth().at) > begun + 60)
    minding.kill()
    until(lambda: len(processes.truth().at) > begun + 120)
    assert processes.truth().column("bat/p")[begun:] == pytest.approx(0.5, abs=1e-3)

    # Operate killed: who minds it acts before the devices do. 2 s of ours are 30 s there.
    minding = processes.watchdog(cable.port)
    time.sleep(3.5)
    operate.kill()
    assert let_go_after(processes) < OWN_WATCHDOG
    operate.wait()
    operate = processes.operate(cable.port)
    until(holds)

    # Both stopped, and the cable cut: the devices' own watchdogs.
    for each in (operate, minding):
        os.kill(each.pid, signal.SIGSTOP)
    assert let_go_after(processes) <= OWN_WATCHDOG + 30.0
    for each in (operate, minding):
        os.kill(each.pid, signal.SIGCONT)
    until(holds)
    cable.lets_up = cable.lets_down = False
    assert let_go_after(processes) <= OWN_WATCHDOG + 30.0
    cable.lets_up = cable.lets_down = True
    until(holds)
    assert breaches(processes.truth(), reaction=0.0) == []
    cable.close()
