"""`zeropark serve`: the control room of a park that `operate` runs in a process of its own."""

from __future__ import annotations

import ipaddress
import os
import sys
from functools import partial
from getpass import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zeropark.faces.cli import which
from zeropark.faces.cli.demonstration import Demonstration
from zeropark.faces.cli.parks import park_file
from zeropark.faces.cli.refused import DONE, Refused, disk_sentence, say
from zeropark.faces.locale import N_
from zeropark.faces.locale import gettext as _

if TYPE_CHECKING:
    from types import FrameType

    from zeropark.faces.web.people import People
    from zeropark.operate.living import Living

# A life is a fortnight; a plan must see its horizon behind the last step of it.
_LIFE_DAYS = 16
_MOST_SPEED = 1000.0
# A cycle of the demonstration lasts a minute of the park where our clock allows it [s].
_CYCLE, _LEAST_CYCLE, _MOST_CYCLE = 60.0, 0.2, 1.0
_BEFORE = "36h"


def serve(
    park: Annotated[
        str, typer.Option(metavar="PARK", help=N_("A shipped park's name, or a park file."))
    ] = "microgrid",
    start: which.Start = None,
    host: Annotated[
        str,
        typer.Option(metavar="ADDRESS", help=N_("Address to listen on; loopback needs no TLS.")),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(metavar="N", min=1, max=65535, help=N_("Port to listen on."))
    ] = 8765,
    store: Annotated[
        Path,
        typer.Option(metavar="DIR", help=N_("Folder of the store that operate writes.")),
    ] = Path("runs/serve"),
    speed: Annotated[
        float, typer.Option(metavar="N", help=N_("Seconds of the park in one of ours: 1 to 1000."))
    ] = 60.0,
    *,
    attach: Annotated[
        bool,
        typer.Option(
            "--attach",
            help=N_("Start no demonstration: show the operate that runs, or will, on the store."),
        ),
    ] = False,
    tls_cert: Annotated[
        Path | None, typer.Option(metavar="FILE", help=N_("Certificate to serve TLS with."))
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option(metavar="FILE", help=N_("Key of that certificate."))
    ] = None,
    behind_proxy: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help=N_("Address of the proxy that serves TLS before us.")),
    ] = None,
) -> int:
    """Serve the control room until stopped; return the exit code."""
    secure = _may_listen(host, tls_cert, tls_key, behind_proxy)
    if not 1.0 <= speed <= _MOST_SPEED:
        sentence = _("--speed {given:g}: out of range. Allowed: 1 to {most:g}.")
        raise Refused(sentence.format(given=speed, most=_MOST_SPEED))
    source = park_file(park)
    demonstration = None if attach else Demonstration(store, _words(park, start, speed))
    # As in every command: the libraries only once the words of the command are read.
    import uvicorn  # noqa: PLC0415

    from zeropark.faces.cli.sentences import in_sentences  # noqa: PLC0415
    from zeropark.faces.web.app import application  # noqa: PLC0415

    with in_sentences():
        people = _people(store)
        living = _living(source, start, store)
    if demonstration is not None:
        demonstration.start()
    living.start()
    scheme = "https" if tls_cert else "http"
    say(_("The control room is at {url}").format(url=f"{scheme}://{host}:{port}/"))
    app = application(living, people, secure=secure)
    settings = uvicorn.Config(
        app, host=host, port=port, log_level="warning",
        server_header=False, timeout_graceful_shutdown=3,
        ssl_certfile=tls_cert, ssl_keyfile=tls_key,
        proxy_headers=behind_proxy is not None, forwarded_allow_ips=behind_proxy or "",
    )  # fmt: skip

    class Server(uvicorn.Server):
        """A server that lets its event streams end before it waits for them."""

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            """End the streams, then everything."""
            app.state.room.stream.end()
            super().handle_exit(sig, frame)

    try:
        Server(settings).run()
    except KeyboardInterrupt:
        say(_("Stopped."))
    finally:
        living.stop()
        if demonstration is not None:
            demonstration.stop()
        people.close()
    return DONE


def _may_listen(host: str, cert: Path | None, key: Path | None, proxy: str | None) -> bool:
    """Return whether browsers come by TLS; refuses an open address without it."""
    if (cert is None) != (key is None):
        raise Refused(_("--tls-cert and --tls-key go together; name both."))
    for path in (cert, key):
        if path is not None and not path.is_file():
            raise Refused(_("{path}: does not exist. Check the path.").format(path=path))
    if proxy is not None:
        try:
            ipaddress.ip_address(proxy)
        except ValueError:
            sentence = _("--behind-proxy '{given}': not an address. Write it as 192.0.2.1.")
            raise Refused(sentence.format(given=proxy)) from None
    if cert is None and proxy is None and not _is_loopback(host):
        sentence = _(
            "--host {host}: others could listen. Give --tls-cert and --tls-key, or --behind-proxy "
            "with the proxy's address, or stay on 127.0.0.1."
        )
        raise Refused(sentence.format(host=host))
    return cert is not None or proxy is not None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _people(store: Path) -> People:
    """Return the people's file beside the store; asks for the first person where there is none."""
    from zeropark.faces.web.people import People  # noqa: PLC0415 - as above

    try:
        people = People(store.with_name(f"{store.name}-people.db"))
    except OSError as error:
        raise Refused(disk_sentence(error, str(store))) from error
    if not people.anybody():
        name, password = _first()
        people.add(name, password, "operator", "the terminal")
    return people


def _first() -> tuple[str, str]:
    """Return name and password of the first person: from the environment, else the terminal."""
    name, file = (os.environ.get(f"ZEROPARK_FIRST_{part}") for part in ("USER", "PASSWORD_FILE"))
    if name and file:
        try:
            return name, Path(file).read_text(encoding="utf-8").rstrip("\n")
        except OSError as error:
            raise Refused(disk_sentence(error, file)) from error
    if not sys.stdin.isatty():
        raise Refused(
            _(
                "Nobody may sign in yet, and there is no terminal to ask. Set ZEROPARK_FIRST_USER "
                "and ZEROPARK_FIRST_PASSWORD_FILE."
            )
        )
    say(_("The first person is the operator of the system."))
    name = input(_("Name: "))
    password = getpass(_("Password: "))
    if password != getpass(_("Password again: ")):
        raise Refused(_("The two passwords differ. Nothing was written."))
    return name, password


def _words(park: str, start: str | None, speed: float) -> list[str]:
    """Return what the demonstration's operate is asked."""
    cycle = min(_MOST_CYCLE, max(_LEAST_CYCLE, _CYCLE / speed))
    days = _LIFE_DAYS * 86_400 - 2 * 86_400
    words = [park, "--speed", f"{speed:g}", "--cycle", f"{cycle:g}s", "--before", _BEFORE]
    words += ["--for", f"{days}s", "--show-every", "1d"]
    return words if start is None else [*words, "--start", start]


def _living(source: Path, start: str | None, place: Path) -> Living:
    from zeropark.assets import kinds  # noqa: PLC0415 - as above
    from zeropark.faces.cli.asked import Asked  # noqa: PLC0415
    from zeropark.ledger.place import place_of  # noqa: PLC0415
    from zeropark.model.parkfile import read_park  # noqa: PLC0415
    from zeropark.operate.living import Living  # noqa: PLC0415
    from zeropark.operate.socket import NAME, hand_over  # noqa: PLC0415

    park = read_park(source, kinds())
    asked = Asked(start, days=str(_LIFE_DAYS), compare=False)
    request = asked.request(park, source.parent)
    return Living(request, partial(hand_over, place / NAME), place_of(str(place)))
