"""`zeropark ledger witness`: heads kept outside the house by another key."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Annotated

import typer

from zeropark.faces.cli.ledger_place import JsonOption, StoreOption, store_place
from zeropark.faces.cli.refused import DONE, Refused, disk_sentence, say
from zeropark.faces.cli.sentences import in_sentences
from zeropark.faces.locale import N_
from zeropark.faces.locale import gettext as _

_PORTS = 65_536


def witness(
    place: Annotated[
        str,
        typer.Argument(metavar="PLACE", help=N_("A folder, or the URL of a witness.")),
    ],
    store: StoreOption = None,
    key: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help=N_("The witness's own key, where PLACE is a folder.")),
    ] = None,
    serve: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help=N_("Be the witness: put the folder behind a URL.")),
    ] = None,
    *,
    as_json: JsonOption = False,
) -> int:
    """Return 0 where the newest head is kept and signed for; a rewritten log is refused."""
    with in_sentences():
        try:
            if serve is not None:
                return _serve(Path(place), key, serve)
            return _submit(place, store_place(store), key, as_json=as_json)
        except OSError as error:
            raise Refused(disk_sentence(error, str(error.filename or place))) from error


def _submit(place: str, store: Path | str, key: Path | None, *, as_json: bool) -> int:
    from zeropark.ledger import door, heads, keyfile, signing  # noqa: PLC0415 - imported by who asks
    from zeropark.ledger.reader import Reader  # noqa: PLC0415 - as above
    from zeropark.ledger.witness import Witness, path_from  # noqa: PLC0415 - as above

    with Reader(store) as reader:
        head = signing.latest_head(reader.database, reader.log)
        if head is None:
            sentence = _("The store has no signed head; 'zeropark ledger key sign' makes one.")
            raise Refused(sentence)
        log = signing.tree(reader.log)
    if door.is_url(place):
        seen = door.submit(place, log, head)
    else:
        keeper = Witness(Path(place), keyfile.find(key, {}))
        latest = keeper.latest(heads.read(head, "head").store)
        seen = keeper.see(head, path_from(log, head, latest), time.time_ns() // 1_000_000)
    if as_json:
        print(json.dumps(seen.document(), ensure_ascii=False, indent=1))  # noqa: T201 - the answer
    else:
        found = heads.read(seen.head, "head")
        sentence = _("{place}: keeps the head of {size} leaves, root {root}")
        root = found.root.hex()
        print(sentence.format(place=place, size=found.size, root=root))  # noqa: T201 - the answer
    return DONE


def _serve(folder: Path, key: Path | None, where: str) -> int:
    from zeropark.ledger import door, keyfile  # noqa: PLC0415 - as above
    from zeropark.ledger.witness import Witness  # noqa: PLC0415 - as above

    host, _colon, port = where.rpartition(":")
    if not host or not port.isascii() or not port.isdecimal() or int(port) >= _PORTS:
        raise Refused(_("'{given}' is no HOST:PORT, such as 127.0.0.1:8470.").format(given=where))
    if host not in door.LOOPBACK:
        sentence = _("{host}: a witness listens on this machine only; put TLS before it.")
        raise Refused(sentence.format(host=host))
    with door.server(Witness(folder, keyfile.find(key, os.environ)), host, int(port)) as server:
        say(
            _("Witness at http://{host}:{port}; Ctrl-C ends it.").format(
                host=host, port=server.server_address[1]
            )
        )
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return DONE
    return DONE
