"""`zeropark device`: templates and devices listed, discovered, tested and added."""

from __future__ import annotations

import asyncio
import json
import math
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zeropark.faces.cli.help import cells
from zeropark.faces.cli.parks import park_file
from zeropark.faces.cli.refused import DONE, NO, Refused, did_you_mean, disk_sentence
from zeropark.faces.locale import N_, language
from zeropark.faces.locale import gettext as _

if TYPE_CHECKING:
    from zeropark.devices.contract import Driver, Readout
    from zeropark.devices.template import Template
    from zeropark.model.park import Park

_GAP = 2
# How long a person waits for one answer of a device [s].
_WAIT = 3.0
# How long a charger may take to call, and how often we look whether it has [s].
_CALL, _LOOK = 90.0, 0.2
AsJson = Annotated[bool, typer.Option("--json", help=N_("Print the result as JSON."))]
ParkFile = Annotated[
    str, typer.Argument(metavar="PARK", help=N_("A shipped park's name, or a park file."))
]
Host = Annotated[str, typer.Option(help=N_("Name or address of the device."))]
UnitId = Annotated[int, typer.Option(min=0, max=255, help=N_("Its number behind a gateway."))]
Port = Annotated[int | None, typer.Option(min=1, max=65535, help=N_("Its port."))]


def listed(
    park: Annotated[
        str | None,
        typer.Argument(metavar="PARK", help=N_("A park file: its devices. None: the templates.")),
    ] = None,
    *,
    as_json: AsJson = False,
) -> int:
    """Show templates, or a park's devices; return 0."""
    from zeropark.devices.catalogue import read_template, template_files  # noqa: PLC0415 - lazily
    from zeropark.model.mistakes import ParkError  # noqa: PLC0415

    if park is not None:
        rows = [line.model_dump(exclude_none=True) for line in _read(park)[0].devices]
        _show(rows, ("name", "asset", "template", "host", "port", "unit_id"), as_json=as_json)
        return DONE
    rows = []
    for name in template_files():
        try:
            rows.append(_template_row(name, read_template(name)))
        except ParkError as error:
            raise Refused("\n".join(m.sentence(language()) for m in error.mistakes)) from None
    _show(rows, ("template", "title", "protocol", "confirmed", "watchdog_s"), as_json=as_json)
    return DONE


def _template_row(name: str, template: Template) -> dict[str, Any]:
    watchdog = template.watchdog
    return {
        "template": name,
        "title": template.title.in_language(language()),
        "protocol": template.protocol,
        "confirmed": template.confirmed,
        "watchdog_s": None if watchdog == "none" else watchdog.seconds,
        "kinds": list(template.kinds),
        "source": template.source,
    }


def discover(
    host: Annotated[str, typer.Argument(metavar="HOST", help=N_("Name or address of the device."))],
    *,
    port: Port = None,
    unit_id: UnitId = 1,
    protocol: Annotated[
        str, typer.Option(help=N_("Protocol to ask by, such as sunspec or opcua."))
    ] = "sunspec",
    as_json: AsJson = False,
) -> int:
    """Ask a device what it is; return 0, or 1 where no template fits it."""
    from zeropark.devices.catalogue import DeviceError  # noqa: PLC0415 - as above
    from zeropark.devices.discover import discover as ask  # noqa: PLC0415

    try:
        found = asyncio.run(ask(protocol, host, port, unit_id, _WAIT))
    except DeviceError as error:
        raise Refused(error.text.in_language(language())) from None
    if as_json:
        print(json.dumps(vars(found), ensure_ascii=False, indent=1))  # noqa: T201 - an answer
    else:
        models = ", ".join(map(str, found.models))
        said = _("{maker} {model}, serial {serial}; it has {models}.")
        lines = [
            said.format(maker=found.maker, model=found.model, serial=found.serial, models=models)
        ]
        if found.templates:
            names = ", ".join(found.templates)
            lines.append(_("Templates that fit, best first: {names}.").format(names=names))
        else:
            lines.append(_("No template fits; see zeropark device list."))
        print("\n".join(lines))  # noqa: T201 - an answer
    return DONE if found.templates else NO


def probe(
    park: ParkFile,
    name: Annotated[str, typer.Argument(metavar="DEVICE", help=N_("A device of the park file."))],
    *,
    wait: Annotated[
        float,
        typer.Option(min=0.0, help=N_("How long to wait for a device that calls us, in seconds.")),
    ] = _CALL,
    as_json: AsJson = False,
) -> int:
    """Read a device once; return 0 where it answers, 1 where it does not."""
    from zeropark.devices.catalogue import DeviceError, protocol  # noqa: PLC0415 - as above
    from zeropark.devices.named import open_driver, template_of, wire_of  # noqa: PLC0415
    from zeropark.devices.wire import why_only_read  # noqa: PLC0415

    read, file = _read(park)
    lines = {line.name: line for line in read.devices}
    if name not in lines:
        raise Refused(
            _("'{given}' is no device of {file}.{meant} Devices: {names}.").format(
                given=name, file=file, meant=did_you_mean(name, lines), names=", ".join(lines)
            )
        )
    line = lines[name]
    asset = {each.name: each for each in read.assets}[line.asset]
    try:
        template = template_of(line, asset)
        only = why_only_read(template, wire_of(line, template, file.parent))
        driver = open_driver(line, asset, file.parent, time.time, _WAIT)
    except DeviceError as error:
        raise Refused(error.text.in_language(language())) from None
    patience = wait if protocol(template.protocol).LISTENS else 0.0
    readout = asyncio.run(_read_once(driver, patience))
    health = driver.health()
    rows = _rows(template, readout)
    if as_json:
        told = {"device": name, "answering": health.answering, "points": rows}
        told |= {"said": health.said and health.said.en, "only_read": only and only.en}
        print(json.dumps(told, ensure_ascii=False, indent=1))  # noqa: T201 - an answer
    else:
        _show(rows, ("point", "value", "unit", "quality", "means"), as_json=False)
        for text in (health.said, only, template.tested_by if health.answering else None):
            if text is not None:
                print(text.in_language(language()))  # noqa: T201 - an answer
    return DONE if health.answering else NO


async def _read_once(driver: Driver, patience: float) -> Readout:
    """Return what a device shows; one that calls us is waited for, `patience` [s] at most."""
    until = time.monotonic() + patience
    try:
        readout = await driver.read()
        while not readout.good() and time.monotonic() < until:
            await asyncio.sleep(_LOOK)
            readout = await driver.read()
        return readout
    finally:
        await driver.close()


def _rows(template: Template, readout: Readout) -> list[dict[str, Any]]:
    rows = []
    for name in readout.names:
        point, reading = template.by_name[name], readout.reading(name)
        value = reading.value
        # Of a share of another point the value is in that point's unit.
        unit = template.by_name[point.of] if point.of else point
        shown = None if value is None or math.isnan(value) else round(value / unit.factor, 6)
        rows.append(
            {
                "point": name,
                "value": shown,
                "unit": unit.unit,
                "quality": reading.quality.words.in_language(language()),
                "means": point.means.in_language(language()),
            }
        )
    return rows


def add(
    park: Annotated[Path, typer.Argument(metavar="FILE", help=N_("A park file of your own."))],
    name: Annotated[str, typer.Argument(metavar="NAME", help=N_("What the device is called."))],
    *,
    asset: Annotated[str, typer.Option(help=N_("Whose device it is."))],
    template: Annotated[str, typer.Option(help=N_("What it is; see zeropark device list."))],
    host: Host,
    port: Port = None,
    unit_id: UnitId = 1,
    topic: Annotated[str, typer.Option(help=N_("Its branch, its own name, or its number."))] = "",
    tls: Annotated[bool, typer.Option("--tls", help=N_("Whether its wire is TLS."))] = False,
    authority: Annotated[
        str | None, typer.Option(metavar="FILE", help=N_("Who signs its certificate."))
    ] = None,
    certificate: Annotated[
        str | None, typer.Option(metavar="FILE", help=N_("Our certificate with its key."))
    ] = None,
    user: Annotated[str | None, typer.Option(help=N_("Who we are there."))] = None,
    secret: Annotated[
        str | None, typer.Option(help=N_("The name of a secret, never the secret itself."))
    ] = None,
    segment: Annotated[str | None, typer.Option(help=N_("The network segment it lies in."))] = None,
) -> int:
    """Write a device into a park file, where that leaves the file without mistakes; return 0."""
    from zeropark.assets import kinds  # noqa: PLC0415 - as above
    from zeropark.faces.cli.checked import device_mistakes  # noqa: PLC0415
    from zeropark.model.mistakes import ParkError  # noqa: PLC0415
    from zeropark.model.parkfile import read_park  # noqa: PLC0415

    said = {"name": name, "asset": asset, "template": template, "host": host, "port": port}
    said |= {"unit_id": unit_id if unit_id != 1 else None, "topic": topic or None}
    said |= {"tls": tls or None, "authority": authority, "certificate": certificate}
    said |= {"user": user, "secret": secret, "segment": segment}
    row = ", ".join(
        # In quotes: a meter's number is no number of YAML's.
        f"{key}: {json.dumps(value, ensure_ascii=False) if key == 'topic' else value}"
        for key, value in said.items()
        if value is not None
    ).replace("tls: True", "tls: true")
    draft = park.with_name(f".{park.name}.draft")
    try:
        text = park.read_text(encoding="utf-8")
        draft.write_text(with_device(text, f"  - {{{row}}}"), encoding="utf-8")
        mistakes = device_mistakes(draft, read_park(draft, kinds()))
        if not mistakes:
            draft.replace(park)
    except ParkError as error:
        mistakes = list(error.mistakes)
    except OSError as error:
        raise Refused(disk_sentence(error, str(park))) from error
    finally:
        draft.unlink(missing_ok=True)
    if mistakes:
        sentences = "\n".join(m.sentence(language()) for m in mistakes)
        raise Refused(sentences.replace(draft.name, park.name))
    print(_("{name} stands in {file}.").format(name=name, file=park))  # noqa: T201 - an answer
    return DONE


def with_device(text: str, line: str) -> str:
    """Return a park file's text with one more line in its devices; nothing else changes."""
    found = re.search(r"^devices:[ \t]*(#.*)?\n", text, re.MULTILINE)
    if found is None:
        return f"{text.rstrip()}\n\ndevices:\n{line}\n"
    return f"{text[: found.end()]}{line}\n{text[found.end() :]}"


def _read(park: str) -> tuple[Park, Path]:
    from zeropark.assets import kinds  # noqa: PLC0415 - as above
    from zeropark.model.mistakes import ParkError  # noqa: PLC0415
    from zeropark.model.parkfile import read_park  # noqa: PLC0415

    file = park_file(park)
    try:
        return read_park(file, kinds()), file
    except ParkError as error:
        raise Refused("\n".join(m.sentence(language()) for m in error.mistakes)) from None


def _show(rows: list[dict[str, Any]], columns: tuple[str, ...], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(rows, ensure_ascii=False, indent=1))  # noqa: T201 - an answer
        return
    table = [columns, *(tuple(_word(row.get(key)) for key in columns) for row in rows)]
    widths = [max(cells(row[i]) for row in table) for i in range(len(columns))]
    for row in table:
        padded = (cell + " " * (w - cells(cell)) for cell, w in zip(row, widths, strict=True))
        print((" " * _GAP).join(padded).rstrip())  # noqa: T201 - an answer


def _word(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return f"{value:g}" if isinstance(value, float) else str(value)
