"""`zeropark operate` and `zeropark command`: one cycle, and refusals in a sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from zeropark.faces.cli.door import answer

PARK = str(Path(__file__).parents[1] / "operate/small.yaml")


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = answer(list(words))
    said = capsys.readouterr()
    return code, said.out, said.err


def test_one_cycle_of_a_simulated_park_as_json(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    store = str(tmp_path / "store")
    words = ["operate", PARK, "--simulated", "--start", "2026-04-17", "--once", "--json"]
    code, out, _ = run(capsys, *words, "--store", store)
    assert code == 0
    status = json.loads(out.splitlines()[-1])
    assert status["cycles"] == 1
    assert status["flows_mw"]["tie"] == pytest.approx(1.0, abs=0.3)
    assert status["levers"]["bat/p"]["told_mw"] == 0.0
    assert status["soc"] == {"bat": pytest.approx(0.5, abs=1e-3)}
    assert status["alarms"] == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["operate", PARK], "the park file names no devices. Add them, or --simulated"),
        (["operate", PARK, "--simulated", "--speed", "0.5"], "--speed 0.5: out of range"),
        (["operate", PARK, "--simulated", "--speed", "fast"], "--speed 'fast': not a number"),
        (["operate", PARK, "--simulated", "--cycle", "61s"], "--cycle 61 s: out of range"),
        (["operate", PARK, "--site", "here"], "'here' is no HOST:PORT"),
        (["watchdog", PARK], "names no devices to mind"),
        (["watchdog", PARK, "--patience", "0.9s"], "Allowed: 1 to 60 s"),
        (["command", "stop"], "no operate listens here; start it with zeropark operate"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LANGUAGE", "en")
    code, _, err = run(capsys, *words)
    assert code == 2
    assert sentence in err
    assert not (tmp_path / "runs").exists()
