"""`zeropark ledger prove`: what somebody without zeropark can check."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from zeropark.faces.cli import ledger_heads
from zeropark.faces.cli.ledger_place import StoreOption, store_place
from zeropark.faces.cli.refused import DONE, Refused, disk_sentence
from zeropark.faces.cli.sentences import in_sentences
from zeropark.faces.locale import N_
from zeropark.faces.locale import gettext as _


def prove(
    what: Annotated[
        list[str],
        typer.Argument(
            metavar="ID",
            help=N_(
                "POINT@TIME or POINT@FROM..TO, a posting's or entry's id, or leaf:N; several too."
            ),
        ),
    ],
    store: StoreOption = None,
    head: ledger_heads.Heads = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help=N_("Where to write it; the verifier is laid beside.")),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help=N_("Print the proof itself."))] = False,
) -> int:
    """Write a proof under the newest head, consistent with the heads given; return 0."""
    from zeropark.ledger import proof  # noqa: PLC0415 - imported by who asks
    from zeropark.ledger.proving import prove as proven  # noqa: PLC0415 - as above
    from zeropark.ledger.reader import Reader  # noqa: PLC0415 - as above

    if out is None and not as_json:
        raise Refused(_("Name the file with --out FILE, or print the proof with --json."))
    with in_sentences(), Reader(store_place(store)) as reader:
        earlier = [each for _where, each in ledger_heads.kept_heads(head, reader.about.id)]
        document = proven(reader, what, earlier)
    if as_json:
        print(json.dumps(document, ensure_ascii=False))  # noqa: T201 - the answer
    if out is None:
        return DONE
    try:
        verifier = proof.lay(out, document)
    except OSError as error:
        raise Refused(disk_sentence(error, str(out))) from error
    if not as_json:
        sentence = _("{path}: {count} leaves proven; check it with python {verifier} {path}")
        count = len(document["items"])
        print(sentence.format(path=out, count=count, verifier=verifier))  # noqa: T201 - the answer
    return DONE
