"""`zeropark alarms` shows what the ledger tells, and asks over the socket of who operates."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.operate.called_park import CalledPark
from zeropark.faces.cli.door import answer


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("alarms") / "store"
    park = CalledPark(folder, hour=10.0)
    park.start()
    park.live(3)
    park.site.faults.silent.add("bat")
    park.live(6)
    park.store.close()
    return folder


def test_the_measures_and_what_stands_are_printed(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert answer(["alarms", "--store", str(store)]) == 0
    lines = capsys.readouterr().out.splitlines()
    said = {line[2:26].strip(): line[26:] for line in lines}
    assert said["alarms told"] == "1  1 after grouping"
    assert said["per operator-hour"] == "1.00  calm: at most 6"
    assert said["most in ten minutes"] == "1  at most 10"
    assert said["share by priority"] == "high 0%, medium 100%, low 0%"
    assert "device_silent:bat" in said["[medium]"]
    assert answer(["alarms", "--store", str(store), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["told"], found["groups"], found["standing"][0]["id"]) == (
        1,
        1,
        "device_silent:bat",
    )
    assert answer(["alarms", "--store", str(store), "--last", "1min", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["told"] == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--acknowledge", "a:b"], "no operate listens here"),
        (["--acknowledge", "a:b", "--shelve", "a:b"], "not both"),
        (["--shelve", "a:b", "--hours", "2"], "no unit"),
    ],
)
def test_what_cannot_be_asked_is_a_sentence(
    store: Path, arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert answer(["alarms", "--store", str(store), *arguments]) == 2
    assert sentence in capsys.readouterr().err


def test_a_store_where_nothing_was_lived_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert answer(["alarms", "--store", str(tmp_path)]) == 2
    assert capsys.readouterr().err
