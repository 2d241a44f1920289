"""`zeropark grid`: callers heard, and events published to others."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zeropark.faces.cli.device_commands import AsJson, _read, _show
from zeropark.faces.cli.refused import DONE, Refused, did_you_mean, disk_sentence, say
from zeropark.faces.cli.serve import _may_listen
from zeropark.faces.locale import N_, language
from zeropark.faces.locale import gettext as _

if TYPE_CHECKING:
    from zeropark.devices.grid.openadr3_vtn import Client
    from zeropark.operate.bridge import Bridge

_LOOK_S = 1.0
_PORT = 8080
_CLIENTS = "clients.yaml"
_ROLES = ("bl", "ven")
ParkFile = Annotated[
    str, typer.Argument(metavar="PARK", help=N_("A shipped park's name, or a park file."))
]


def listed(
    park: Annotated[
        str | None,
        typer.Argument(metavar="PARK", help=N_("A park file: who calls. None: the protocols.")),
    ] = None,
    *,
    as_json: AsJson = False,
) -> int:
    """Show protocols, or a park's callers; return 0."""
    from zeropark.devices.grid.named import protocols  # noqa: PLC0415 - lazily

    if park is not None:
        rows = [line.model_dump(exclude_none=True) for line in _read(park)[0].callers]
        _show(rows, ("name", "protocol", "asset", "host", "port", "programme"), as_json=as_json)
        return DONE
    rows = [{"protocol": name, "means": _what(name)} for name in protocols()]
    _show(rows, ("protocol", "means"), as_json=as_json)
    return DONE


def _what(name: str) -> str:
    """Return what a protocol is, or which library it lacks here."""
    from zeropark.devices.catalogue import DeviceError  # noqa: PLC0415 - as above
    from zeropark.devices.grid.named import protocol  # noqa: PLC0415

    try:
        return (protocol(name).__doc__ or "").partition(":")[0]
    except DeviceError as error:
        return error.text.in_language(language())


def listen(
    park: ParkFile,
    name: Annotated[str, typer.Argument(metavar="CALLER", help=N_("A caller of the park file."))],
    store: Annotated[
        Path, typer.Option(metavar="DIR", help=N_("Folder of the store that operate writes."))
    ] = Path("runs/operate"),
) -> int:
    """Hear a caller until ended; say each thing once."""
    from zeropark.devices.catalogue import DeviceError  # noqa: PLC0415 - as above
    from zeropark.devices.grid.named import open_side, protocol  # noqa: PLC0415
    from zeropark.operate.bridge import Bridge, Journal  # noqa: PLC0415
    from zeropark.operate.socket import NAME, hand_over  # noqa: PLC0415

    read, file = _read(park)
    lines = {line.name: line for line in read.callers}
    if name not in lines:
        raise Refused(
            _("'{given}' is no caller of {file}.{meant} Callers: {names}.").format(
                given=name,
                file=file,
                meant=did_you_mean(name, lines),
                names=", ".join(lines) or "-",
            )
        )
    line = lines[name]
    try:
        protocol(line.protocol)
        side = open_side(line, file.parent, time.time)
    except DeviceError as error:
        raise Refused(error.text.in_language(language())) from None

    def ask(said: Mapping[str, Any]) -> Mapping[str, Any]:
        return hand_over(store / NAME, said)

    try:
        journal = Journal(store / f"caller-{name}.json")
        bridge = Bridge(line, side, ask, journal, time.monotonic)
        asyncio.run(_listen(bridge))
    except OSError as error:
        raise Refused(disk_sentence(error, str(store))) from error
    except KeyboardInterrupt:
        return DONE
    return DONE


async def _listen(bridge: Bridge) -> None:
    was = None
    try:
        while True:
            for text in await bridge.once():
                say(text.in_language(language()))
            health = bridge.side.health()
            if health.said != was:
                was = health.said
                say(_("The caller answers.") if was is None else was.in_language(language()))
            await asyncio.sleep(_LOOK_S)
    finally:
        await bridge.side.close()


def serve(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR", help=N_("Folder with clients.yaml; what is published is kept there.")
        ),
    ],
    host: Annotated[str, typer.Option(help=N_("Address to listen at."))] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help=N_("Port to listen at."))] = _PORT,
    tls_cert: Annotated[
        Path | None, typer.Option(metavar="FILE", help=N_("Certificate of the server (PEM)."))
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option(metavar="FILE", help=N_("Key of the certificate (PEM)."))
    ] = None,
) -> int:
    """Serve a VTN until stopped; return the exit code."""
    secure = _may_listen(host, tls_cert, tls_key, None)
    clients = read_clients(folder / _CLIENTS)
    import uvicorn  # noqa: PLC0415 - as in every command

    from zeropark.devices.grid.openadr3_vtn import BASE, Vtn, application  # noqa: PLC0415

    try:
        vtn = Vtn(folder / "vtn.json", clients, time.time)
    except (OSError, ValueError) as error:
        sentence = _("{file}: cannot be read ({error}). Mend it, or move it away.")
        raise Refused(sentence.format(file=folder / "vtn.json", error=error)) from error
    scheme = "https" if secure else "http"
    say(_("The VTN is at {url}").format(url=f"{scheme}://{host}:{port}{BASE}"))
    uvicorn.run(
        application(vtn), host=host, port=port, log_level="warning", server_header=False,
        ssl_certfile=tls_cert, ssl_keyfile=tls_key, timeout_graceful_shutdown=3,
    )  # fmt: skip
    return DONE


def read_clients(file: Path) -> dict[str, Client]:
    """Return who may come to a VTN, by client id; their secrets are named in the file.

    Refuses a file that is not there or not of its form, and a secret that cannot be had.
    """
    import yaml  # noqa: PLC0415 - as above

    from zeropark.devices.catalogue import DeviceError  # noqa: PLC0415
    from zeropark.devices.grid.openadr3_vtn import Client  # noqa: PLC0415
    from zeropark.devices.named import read_secret  # noqa: PLC0415

    form = _(
        "{file}: write one line a client, such as `park: {{role: ven, secret: vtn-park}}`; role is "
        "bl (publishes) or ven (takes part)."
    )
    try:
        said = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError):
        raise Refused(form.format(file=file)) from None
    found: dict[str, Client] = {}
    for client, told in said.items() if isinstance(said, dict) else ():
        role = told.get("role") if isinstance(told, dict) else None
        secret = told.get("secret") if isinstance(told, dict) else None
        if role not in _ROLES or not isinstance(secret, str):
            raise Refused(form.format(file=file))
        try:
            found[str(client)] = Client(read_secret(secret), role)
        except DeviceError as error:
            raise Refused(error.text.in_language(language())) from None
    if not found:
        raise Refused(form.format(file=file))
    return found
