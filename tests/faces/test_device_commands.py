"""`zeropark device` and the devices of a park file: what is written, refused and shown."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from pathlib import Path

import pytest

from tests.devices.served import LOOPBACK, free_port
from zeropark.devices.catalogue import DeviceError, read_template
from zeropark.devices.named import read_secret
from zeropark.devices.simulated.calling import simulated
from zeropark.devices.simulated.ocpp201 import Host
from zeropark.faces.cli.device_commands import with_device
from zeropark.faces.cli.door import answer

from .tiny import BATTERY, TINY

PARK = f"{TINY}{BATTERY}devices:\n"
BMS = "  - {name: bms, asset: bat, template: sunspec-battery, host: gw, unit_id: 7}\n"


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZEROPARK_LANG", "en")


def checked(folder: Path, lines: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str]]:
    path = folder / "park.yaml"
    path.write_text(PARK + lines, encoding="utf-8")
    code = answer(["check", str(path)])
    return code, capsys.readouterr().out.splitlines()


def test_a_park_with_devices_has_no_mistakes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, lines = checked(tmp_path, BMS, capsys)
    assert (code, lines[0]) == (0, "0 mistakes")


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (
            BMS.replace("sunspec-battery", "sunspec-batery"),
            (
                "park.yaml:13: devices[0] 'bms' template: there is no device template "
                "'sunspec-batery'. Did you mean 'sunspec-battery'? Known: "
            ),
        ),
        (
            BMS.replace("sunspec-battery", "sunspec-inverter"),
            (
                "park.yaml:13: devices[0] 'bms' template: template 'sunspec-inverter' is for "
                "pv, wind, asset 'bat' is a battery; name a template for it"
            ),
        ),
        (
            BMS.replace("asset: bat", "asset: batt"),
            "park.yaml:13: devices[0] 'bms' asset: unknown asset 'batt'. Did you mean 'bat'?",
        ),
        (
            BMS + BMS.replace("bms", "bms2"),
            (
                "park.yaml:14: devices[1] 'bms2': 'bms2' is reached at gw (7), as 'bms' on line 13 "
                "is; give each a place of its own"
            ),
        ),
        (
            BMS + BMS.replace("unit_id: 7", "unit_id: 8"),
            "park.yaml:14: devices[1] 'bms' name: 'bms' is the name of ",
        ),
        (
            BMS.replace("unit_id: 7", "secret: Tr0ub4dor&3"),
            (
                "park.yaml:13: devices[0] 'bms' secret: this looks like the secret itself; put it "
                "into a file of mode 0600 and write that file's name here: small letters, digits "
                "and dashes"
            ),
        ),
        (
            BMS.replace("unit_id: 7", "unit_id: 256"),
            "park.yaml:13: devices[0] 'bms' unit_id: 256 is too large; allowed: 255 or less",
        ),
        (
            BMS.replace("unit_id: 7", "pasword: x"),
            "park.yaml:13: devices[0] 'bms': unknown field 'pasword'",
        ),
        (
            BMS.replace("host: gw", "host: 'modbus://gw'"),
            "park.yaml:13: devices[0] 'bms' host: ",
        ),
    ],
)
def test_a_wrong_device_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, sentence: str
) -> None:
    code, lines = checked(tmp_path, line, capsys)
    assert code == 2
    assert any(each.startswith(sentence) for each in lines), lines


def test_the_secrets_name_at_its_longest_is_taken_and_one_more_is_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert checked(tmp_path, BMS.replace("unit_id: 7", f"secret: {'a' * 24}"), capsys)[0] == 0
    assert checked(tmp_path, BMS.replace("unit_id: 7", f"secret: {'a' * 25}"), capsys)[0] == 2


def test_a_secret_is_read_from_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    path = tmp_path / "gw1"
    path.write_text("word\n", encoding="utf-8")
    path.chmod(0o600)
    folder = {"ZEROPARK_SECRETS": str(tmp_path)}
    assert read_secret("gw1", folder) == "word"
    path.chmod(0o640)
    with pytest.raises(DeviceError, match=r"may be read by others \(mode 0640\); make it 0600"):
        read_secret("gw1", folder)
    with pytest.raises(DeviceError, match="secret 'gw2' is in none of the folders"):
        read_secret("gw2", folder)
    with pytest.raises(DeviceError, match="name a folder in CREDENTIALS_DIRECTORY"):
        read_secret("gw1", {})


def test_a_device_is_written_into_a_park_file_and_nothing_else_changes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "park.yaml"
    path.write_text(PARK + BMS, encoding="utf-8")
    told = ["--asset", "tie", "--template", "sunspec-meter", "--host", "gw", "--unit-id", "8"]
    assert answer(["device", "add", str(path), "meter", *told]) == 0
    line = "  - {name: meter, asset: tie, template: sunspec-meter, host: gw, unit_id: 8}\n"
    assert path.read_text(encoding="utf-8") == PARK + line + BMS
    capsys.readouterr()
    assert answer(["device", "list", str(path), "--json"]) == 0
    assert [row["name"] for row in json.loads(capsys.readouterr().out)] == ["meter", "bms"]


def test_a_charger_in_tls_and_a_meter_with_a_number_are_written_as_they_are_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "park.yaml"
    path.write_text(PARK + BMS, encoding="utf-8")
    told = ["--asset", "tie", "--template", "dlt645-meter", "--host", "gw"]
    number = ["--topic", "000012345678", "--tls", "--authority", "ca.pem", "--certificate", "a.pem"]
    who = ["--user", "reader", "--secret", "gw1", "--segment", "ot-1"]
    assert answer(["device", "add", str(path), "meter", *told, *number, *who]) == 0
    capsys.readouterr()
    assert answer(["device", "list", str(path), "--json"]) == 0
    (row,) = (r for r in json.loads(capsys.readouterr().out) if r["name"] == "meter")
    assert (row["topic"], row["tls"], row["authority"]) == ("000012345678", True, "ca.pem")
    assert (row["certificate"], row["user"], row["secret"]) == ("a.pem", "reader", "gw1")
    told[told.index("gw") :] = ["gw", "--secret", "Passw0rd!"]
    assert answer(["device", "add", str(path), "other", *told]) == 2
    assert "this looks like the secret itself" in capsys.readouterr().err


def test_a_device_that_would_be_a_mistake_is_not_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "park.yaml"
    path.write_text(PARK + BMS, encoding="utf-8")
    told = ["--asset", "tie", "--template", "sunspec-battery", "--host", "gw", "--unit-id", "8"]
    assert answer(["device", "add", str(path), "meter", *told]) == 2
    assert "asset 'tie' is a grid_tie; name a template for it" in capsys.readouterr().err
    assert path.read_text(encoding="utf-8") == PARK + BMS
    assert [each.name for each in tmp_path.iterdir()] == ["park.yaml"]


def test_a_park_file_without_devices_gets_a_section() -> None:
    assert with_device("name: x\n", "  - {a: 1}") == "name: x\n\ndevices:\n  - {a: 1}\n"


def test_the_templates_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(["device", "list", "--json"]) == 0
    rows = {row["template"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["sunspec-battery"]["confirmed"] is True
    assert rows["sunspec-battery"]["watchdog_s"] == 60.0
    assert rows["sunspec-meter"]["watchdog_s"] is None


def test_a_device_nobody_named_is_refused_with_its_nearest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "park.yaml"
    path.write_text(PARK + BMS, encoding="utf-8")
    assert answer(["device", "test", str(path), "bmss"]) == 2
    assert "Did you mean 'bms'?" in capsys.readouterr().err


def test_a_charger_is_waited_for_until_it_calls(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    port, template = free_port(), read_template("ocpp201-charger")
    told = {"name": "cp", "asset": "hub", "template": "ocpp201-charger", "host": LOOPBACK}
    row = ", ".join(f"{k}: {v}" for k, v in {**told, "port": port, "topic": "CP-7"}.items())
    hub = "  - {kind: ev_hub, name: hub, node: bus, p_nom: 1 MW, "
    hub += "connectors: [{name: a, count: 1, p_nom: 7 kW}]}\n"
    path = tmp_path / "park.yaml"
    path.write_text(f"{TINY}{hub}devices:\n  - {{{row}}}\n", encoding="utf-8")
    tested = threading.Event()

    async def charge() -> None:
        host = Host(LOOPBACK, port)
        device = simulated(template, time.time, {})
        device.show({"charge": 0.05})
        host.add(1, "CP-7", device)
        await host.start()
        await asyncio.to_thread(tested.wait)
        await host.stop()

    charger = threading.Thread(target=lambda: asyncio.run(charge()))
    charger.start()
    try:
        assert answer(["device", "test", str(path), "cp", "--wait", "30", "--json"]) == 0
    finally:
        tested.set()
        charger.join()
    said = json.loads(capsys.readouterr().out)
    (row_,) = (point for point in said["points"] if point["point"] == "charge")
    assert (row_["value"], row_["unit"]) == (50000.0, "W")
    assert answer(["device", "test", str(path), "cp", "--wait", "0", "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["said"].startswith("charger CP-7 has not called at 127.0.0.1:")
