"""`zeropark grid` and the callers of a park file: what is shown, refused and read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.faces.test_device_commands import PARK
from zeropark.faces.cli.door import answer
from zeropark.faces.cli.grid_commands import read_clients
from zeropark.faces.cli.refused import Refused

CALLER = (
    "  - {name: aggregator, protocol: openadr3, asset: tie, host: vtn.example,\n"
    "     programme: DR-2026, user: park, secret: vtn, tls: true, authority: ca.pem,\n"
    "     price: 3 CNY/kWh, every: 10 s}\n"
)


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZEROPARK_LANG", "en")


def written(folder: Path, lines: str) -> Path:
    path = folder / "park.yaml"
    path.write_text(PARK.replace("devices:\n", "callers:\n") + lines, encoding="utf-8")
    return path


def test_a_park_with_a_caller_has_no_mistakes_and_shows_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, CALLER)
    assert answer(["check", str(path)]) == 0
    capsys.readouterr()
    assert answer(["grid", "list", str(path), "--json"]) == 0
    (shown,) = json.loads(capsys.readouterr().out)
    assert (shown["protocol"], shown["price"], shown["asset"]) == ("openadr3", 3000.0, "tie")


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (
            CALLER.replace("openadr3", "openadr"),
            "callers[0] 'aggregator' protocol: nobody calls by 'openadr'. Did you mean 'openadr3'?",
        ),
        (
            CALLER.replace("asset: tie", "asset: bat"),
            "callers[0] 'aggregator' asset: 'bat' is a battery and no tie; callers ask for less",
        ),
        (
            CALLER.replace("secret: vtn", "secret: hunter2!"),
            "callers[0] 'aggregator' secret: this looks like the secret itself",
        ),
        (CALLER.replace("asset: tie", "asset: tye"), "unknown asset 'tye'. Did you mean 'tie'?"),
    ],
)
def test_a_wrong_line_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, sentence: str
) -> None:
    assert answer(["check", str(written(tmp_path, line))]) == 2
    assert sentence in capsys.readouterr().out


def test_the_protocols_are_listed_with_what_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(["grid", "list"]) == 0
    shown = capsys.readouterr().out
    assert "openadr3" in shown
    assert "OpenADR 3 as VEN" in shown


def test_a_caller_nobody_named_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert answer(["grid", "listen", str(written(tmp_path, CALLER)), "agregator"]) == 2
    said = capsys.readouterr().err
    assert "'agregator' is no caller of" in said
    assert "Did you mean 'aggregator'? Callers: aggregator." in said


def test_who_may_come_to_a_vtn_is_read_with_named_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZEROPARK_SECRETS", str(tmp_path))
    (tmp_path / "vtn-park").write_text("s3cret\n", encoding="utf-8")
    (tmp_path / "vtn-park").chmod(0o600)
    file = tmp_path / "clients.yaml"
    file.write_text("park: {role: ven, secret: vtn-park}\n", encoding="utf-8")
    assert read_clients(file) == {"park": ("s3cret", "ven")}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "write one line a client"),
        ("", "write one line a client"),
        ("park: {role: king, secret: vtn-park}", "write one line a client"),
        ("park: {role: ven, secret: no-such}", "secret 'no-such' is in none of the folders"),
    ],
)
def test_a_wrong_file_of_clients_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, sentence: str
) -> None:
    monkeypatch.setenv("ZEROPARK_SECRETS", str(tmp_path))
    file = tmp_path / "clients.yaml"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    with pytest.raises(Refused, match=sentence):
        read_clients(file)
