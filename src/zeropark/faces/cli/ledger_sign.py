"""`zeropark ledger key sign`: the head of a store, signed now or as often as is asked."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zeropark.faces.cli import ledger_heads
from zeropark.faces.cli.ledger_place import JsonOption, StoreOption, store_place
from zeropark.faces.cli.refused import DONE, Refused, disk_sentence, say
from zeropark.faces.cli.sentences import in_sentences
from zeropark.faces.locale import N_, language
from zeropark.faces.locale import gettext as _

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from zeropark.ledger.place import Place
    from zeropark.ledger.signed import Signed

_NAME = "zeropark ledger key sign"
_SHORTEST_S, _LONGEST_S = 1.0, 366 * 86_400.0
_AGAIN_S = 60.0
"""How long another writing process is waited for before the next try [s]."""


def sign(
    store: StoreOption = None,
    key: ledger_heads.Key = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help=N_("Where to write the head, to give away."))
    ] = None,
    every: Annotated[
        str | None,
        typer.Option(metavar="TIME", help=N_("Go on and sign whenever so much has gone by: 1h.")),
    ] = None,
    *,
    as_json: JsonOption = False,
) -> int:
    """Sign the head; return 0. With `every`, until Ctrl-C, where the log went on meanwhile."""
    from zeropark.ledger import keyfile  # noqa: PLC0415 - imported by who asks

    seconds = None if every is None else _seconds(every)
    place = store_place(store)
    with in_sentences():
        try:
            signer = keyfile.find(key, os.environ)
            if seconds is None:
                _told(_signed(place, signer, None), out, as_json=as_json)
                return DONE
            return _on_and_on(place, signer, seconds, out, as_json=as_json)
        except OSError as error:
            raise Refused(disk_sentence(error, str(error.filename or place))) from error


def _on_and_on(
    place: Place, signer: Ed25519PrivateKey, seconds: float, out: Path | None, *, as_json: bool
) -> int:
    """Sign whenever a head is due, in between let others write; return 0 at Ctrl-C."""
    from zeropark.data.errors import DataError  # noqa: PLC0415 - as above

    try:
        while True:
            wait = seconds
            try:
                head = _signed(place, signer, round(seconds * 1000))
            except DataError as error:
                if error.key not in {"store_held", "store_unreachable", "store_busy"}:
                    raise
                say(error.text.in_language(language()))
                wait = min(seconds, _AGAIN_S)
            else:
                if head is not None:
                    _told(head, out, as_json=as_json)
            time.sleep(wait)
    except KeyboardInterrupt:
        return DONE


def _signed(place: Place, signer: Ed25519PrivateKey, every: int | None) -> Signed | None:
    """Return the head signed now; where `every` [ms] is given, None where none is due."""
    from zeropark.ledger import signing  # noqa: PLC0415 - as above
    from zeropark.ledger.store import Store  # noqa: PLC0415 - as above

    with Store(place, _NAME) as kept:
        if every is None:
            return signing.sign_head(kept, signer)
        return signing.sign_when_due(kept, signer, every)


def _told(head: Signed | None, out: Path | None, *, as_json: bool) -> None:
    from zeropark.ledger import heads  # noqa: PLC0415 - as above

    assert head is not None, "a head was signed"
    written = json.dumps(head.document(), ensure_ascii=False)
    if out is not None:
        out.write_text(written + "\n", encoding="utf-8")
    if as_json:
        print(written, flush=True)  # noqa: T201 - the answer
        return
    said = heads.read(head, "head")
    sentence = _("head of {size} leaves, root {root}, {moment}")
    words = sentence.format(size=said.size, root=said.root.hex(), moment=heads.moment(said.at))
    print(words, flush=True)  # noqa: T201 - the answer


def _seconds(given: str) -> float:
    # Its libraries take a second to import: only who signs for hours waits for them.
    from zeropark.faces.cli.asked import amount  # noqa: PLC0415

    found = amount("--every", given, "s")
    if _SHORTEST_S <= found <= _LONGEST_S:
        return found
    sentence = _("--every '{given}': out of range. Allowed: 1 s to 366 days.")
    raise Refused(sentence.format(given=given))
