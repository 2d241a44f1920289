"""`zeropark site`: a site is served by one process, read and faulted by others."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from zeropark.faces.cli.door import answer
from zeropark.faces.cli.refused import Refused
from zeropark.faces.cli.site_simulate import seconds_of
from zeropark.operate.truth import read_truth

from .tiny import BATTERY, TINY

PARK = f"{TINY}{BATTERY}\n"


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZEROPARK_LANG", "en")


def free_port() -> int:
    with socket.socket() as wire:
        wire.bind(("127.0.0.1", 0))
        return int(wire.getsockname()[1])


def test_a_site_is_simulated_reached_faulted_and_stopped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    park, site = tmp_path / "park.yaml", tmp_path / "site"
    park.write_text(PARK, encoding="utf-8")
    program = str(Path(sys.executable).with_name("zeropark"))
    told = ["--start", "2026-04-17", "--at", "11:00", "--port", str(free_port()), "--json"]
    with subprocess.Popen(
        [program, "site", "simulate", str(park), *told, "--out", str(site)],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        assert [row["name"] for row in said["devices"]] == ["tie", "bat"]
        # The lines it writes are what a park file needs to reach it.
        park.write_text(PARK + (site / "devices.yaml").read_text(encoding="utf-8"))
        assert answer(["check", str(park)]) == 0
        capsys.readouterr()
        assert answer(["device", "test", str(park), "bat", "--json"]) == 0
        points = {p["point"]: p for p in json.loads(capsys.readouterr().out)["points"]}
        assert points["soc"]["value"] == pytest.approx(0.5, abs=1e-3)
        fault = ["site", "fault", "bat", "silence", "--for", "1h", "--site", str(site)]
        assert answer(fault) == 0
        capsys.readouterr()
        assert answer(["device", "test", str(park), "bat"]) == 1
        assert "no answer within 3 s" in capsys.readouterr().out
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    truth = read_truth(site / "truth.jsonl")
    assert truth.limits == {"tie/p": (-0.0, 5.0), "bat/soc": (0.1, 0.95)}
    assert [event["fault"] for event in truth.events] == ["silence"]
    assert not (site / "control.sock").exists()


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        (["--speed", "0"], "--speed 0 is not allowed. Allowed: more than 0, up to 1000."),
        (["--speed", "1001"], "--speed 1001 is not allowed."),
        (["--step", "7s"], "Step '7s' is not allowed."),
        (["--start", "2026-13-01"], "'2026-13-01' is no day or time."),
        (["--for", "soon"], "'soon' is no time. Write 60s, 5min or 2h."),
    ],
)
def test_a_wrong_option_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], told: list[str], sentence: str
) -> None:
    park = tmp_path / "park.yaml"
    park.write_text(PARK, encoding="utf-8")
    asked = ["site", "simulate", str(park), "--out", str(tmp_path / "site"), *told]
    assert answer(asked) == 2
    assert sentence in capsys.readouterr().err


def test_times_are_read_with_their_unit() -> None:
    assert [seconds_of(t) for t in ("90s", "5min", "2h", "1.5 h", "0s")] == [90, 300, 7200, 5400, 0]
    with pytest.raises(Refused):
        seconds_of("5")


def test_a_fault_without_a_site_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert answer(["site", "fault", "bat", "silence", "--site", str(tmp_path)]) == 2
    assert "no simulated site runs in" in capsys.readouterr().err
