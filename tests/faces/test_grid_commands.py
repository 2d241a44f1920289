"""`zeropark grid` and the callers of a park file: what is shown, refused and read."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.devices.served import free_port
from tests.faces.test_device_commands import PARK
from zeropark.data.errors import DataError
from zeropark.devices.catalogue import DeviceError
from zeropark.devices.grid.named import protocol
from zeropark.devices.grid.openadr3_vtn import BASE
from zeropark.faces.cli.door import answer
from zeropark.faces.cli.grid_commands import read_clients
from zeropark.faces.cli.refused import Refused
from zeropark.operate.authority import Actor
from zeropark.operate.socket import NAME, Listener
from zeropark.units.text import Text

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


def test_a_library_that_is_not_installed_is_named_with_its_extra(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "openleadr", None)
    monkeypatch.delitem(sys.modules, "zeropark.devices.grid.protocols.openadr2b", raising=False)
    with pytest.raises(DeviceError) as refused:
        protocol("openadr2b")
    assert refused.value.text.en == (
        "openadr2b needs a library that is not installed (openleadr); install zeropark[openadr2b]"
    )
    assert answer(["grid", "list"]) == 0
    assert "install zeropark[openadr2b]" in capsys.readouterr().out


def test_a_caller_nobody_named_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert answer(["grid", "listen", str(written(tmp_path, CALLER)), "agregator"]) == 2
    said = capsys.readouterr().err
    assert "'agregator' is no caller of" in said
    assert "Did you mean 'aggregator'? Callers: aggregator." in said


def started(*words: str, **more: str) -> subprocess.Popen[str]:
    """Start a command as a process of its own."""
    program = str(Path(sys.executable).with_name("zeropark"))
    told = {**os.environ, "ZEROPARK_LANG": "en", "PYTHONUNBUFFERED": "1", **more}
    return subprocess.Popen(
        [program, "grid", *words],
        env=told,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def line_of(process: subprocess.Popen[str]) -> str:
    """Return the next line a command says."""
    assert process.stderr is not None
    return process.stderr.readline().rstrip()


def test_an_event_goes_from_a_vtn_to_operate_and_its_answer_back(tmp_path: Path) -> None:
    for name in ("vtn", "vtn-operator"):
        (tmp_path / name).write_text("s3cret\n", encoding="utf-8")
        (tmp_path / name).chmod(0o600)
    folder = tmp_path / "folder"
    folder.mkdir()
    clients = "operator: {role: bl, secret: vtn-operator}\npark: {role: ven, secret: vtn}\n"
    (folder / "clients.yaml").write_text(clients, encoding="utf-8")
    port, told = free_port(), {"ZEROPARK_SECRETS": str(tmp_path)}
    here = CALLER.replace("host: vtn.example", f"host: 127.0.0.1, port: {port}, path: {BASE}")
    park = written(tmp_path, here.replace("tls: true, authority: ca.pem,", ""))
    at = dt.datetime.now(dt.UTC).replace(minute=0, second=0, microsecond=0)

    def operate(said: Any, actor: Actor) -> dict[str, Any]:
        assert (actor.kind, actor.name, actor.channel) == ("peer", "aggregator", "protocol")
        if said["verb"] == "see":
            return {"at": at.isoformat(), "limits_mw": {}, "calls": [], "orders": {}}
        raise DataError("call_power", Text("too much", "过多"))

    vtn = started("serve", str(folder), "--port", str(port), **told)
    listener = Listener(tmp_path / NAME, operate)
    try:
        assert line_of(vtn) == f"The VTN is at http://127.0.0.1:{port}{BASE}"
        reports = published(f"http://127.0.0.1:{port}{BASE}", at + dt.timedelta(hours=2))
        caller = started("listen", str(park), "aggregator", "--store", str(tmp_path), **told)
        try:
            assert line_of(caller) == "too much"
            (report,) = reports()
            assert report["reportName"].startswith("declined event-")
        finally:
            caller.terminate()
            caller.communicate(timeout=10)
    finally:
        listener.close()
        vtn.terminate()
        vtn.communicate(timeout=10)


def published(url: str, begin: dt.datetime) -> Callable[[], list[dict[str, Any]]]:
    """Publish an event at a VTN; return what waits for its report."""
    form = {
        "grant_type": "client_credentials",
        "client_id": "operator",
        "client_secret": "s3cret",
    }
    answer = httpx.HTTPTransport(retries=20)
    client = httpx.Client(transport=answer)
    token = client.post(f"{url}/auth/token", data=form).json()["access_token"]
    client.headers["Authorization"] = f"Bearer {token}"
    programme = client.post(f"{url}/programs", json={"programName": "DR-2026"}).json()["id"]
    relative = "DISPATCH_SETPOINT_RELATIVE"
    event = {
        "programID": programme,
        "payloadDescriptors": [{"payloadType": relative, "units": "KW"}],
        "intervalPeriod": {"start": begin.isoformat(), "duration": "PT1H"},
        "intervals": [{"id": 0, "payloads": [{"type": relative, "values": [-500]}]}],
    }
    assert client.post(f"{url}/events", json=event).status_code == 201

    def reports() -> list[dict[str, Any]]:
        for _ in range(500):
            found: list[dict[str, Any]] = client.get(f"{url}/reports").json()
            if found:
                client.close()
                return found
            time.sleep(0.02)
        raise AssertionError("never came")

    return reports


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
