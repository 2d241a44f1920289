"""`zeropark ledger verify`: a store whole, or a proof somebody handed over."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from zeropark.faces.cli import ledger_heads
from zeropark.faces.cli.ledger_place import JsonOption, StoreOption, store_place
from zeropark.faces.cli.refused import DONE, NO, Refused, disk_sentence, say
from zeropark.faces.cli.sentences import in_sentences
from zeropark.faces.locale import N_, language
from zeropark.faces.locale import gettext as _

_TELL_EVERY_S = 2.0
_NATURES = {
    "field": N_("FIELD: what meters measured; store {store}"),
    "simulated": N_("SIMULATED: nothing here may be claimed; store {store}"),
}


def verify(
    store: StoreOption = None,
    head: ledger_heads.Heads = None,
    proof: Annotated[
        Path | None, typer.Option(metavar="FILE", help=N_("A proof to check; needs no store."))
    ] = None,
    fingerprint: Annotated[
        str | None,
        typer.Option(metavar="HEX", help=N_("Of the key you trust, told to you by another way.")),
    ] = None,
    *,
    as_json: JsonOption = False,
) -> int:
    """Return 0 where all holds, 1 where something was changed; every fault is a line."""
    with in_sentences():
        if proof is not None:
            return _proof(proof, fingerprint, head, as_json=as_json)
        return _store(store_place(store), head, fingerprint, as_json=as_json)


def _store(
    place: Path | str, places: list[str] | None, fingerprint: str | None, *, as_json: bool
) -> int:
    from zeropark.ledger.stored import opened  # noqa: PLC0415 - imported by who asks
    from zeropark.ledger.verify import verify as whole  # noqa: PLC0415 - as above

    with opened(place) as kept:
        outside = ledger_heads.kept_heads(places, kept.about()[0])
        verdict = whole(kept, outside, _Told())
    unknown = fingerprint is not None and fingerprint.lower() not in verdict.fingerprints
    faults = [each.sentence(language()) for each in verdict.faults]
    if unknown:
        faults.append(_("the key {given} is none of this store's").format(given=fingerprint))
    if as_json:
        said: dict[str, Any] = {
            "holds": not faults,
            "nature": verdict.nature,
            "store": verdict.store,
            "size": verdict.size,
            "root": verdict.root.hex(),
            "rows": verdict.rows,
            "heads": verdict.heads,
            "epoch": verdict.epoch,
            "fingerprints": verdict.fingerprints,
            "faults": faults,
        }
        print(json.dumps(said, ensure_ascii=False, indent=1))  # noqa: T201 - the answer
        return NO if faults else DONE
    lines = [
        _(_NATURES[verdict.nature]).format(store=verdict.store),
        _("{size} leaves, root {root}").format(size=verdict.size, root=verdict.root.hex()),
        _("{rows} rows and {heads} signed heads hold").format(
            rows=verdict.rows, heads=verdict.heads
        ),
        *(_("key {key}").format(key=key) for key in verdict.fingerprints),
        *faults,
        _("{count} faults").format(count=len(faults)) if faults else _("nothing was changed"),
    ]
    print("\n".join(lines))  # noqa: T201 - the answer
    return NO if faults else DONE


class _Told:
    """Says how far a long verification is, where it takes longer than two seconds."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def __call__(self, what: str, count: int) -> None:
        if time.monotonic() - self._last > _TELL_EVERY_S:
            self._last = time.monotonic()
            words = {"leaves": _("{count} leaves read"), "rows": _("{count} rows read")}[what]
            say(words.format(count=count))


def _proof(file: Path, fingerprint: str | None, places: list[str] | None, *, as_json: bool) -> int:
    from zeropark.ledger import auditor  # noqa: PLC0415 - as above

    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        store = str(json.loads(document["head"]["signed"])["store"])
    except OSError as error:
        raise Refused(disk_sentence(error, str(file))) from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Refused(_("{path}: is no proof of zeropark.").format(path=file)) from error
    heads = ledger_heads.kept_heads(places, store)
    try:
        found = auditor.audit(document, fingerprint, [(w, h.document()) for w, h in heads])
    except auditor.Broken as broken:
        sentence = broken.zh if language() == "zh" else broken.en
        if broken.code != auditor.NO:
            raise Refused(sentence) from broken
        if as_json:
            answer = {"holds": False, "faults": [sentence]}
            print(json.dumps(answer, ensure_ascii=False, indent=1))  # noqa: T201 - the answer
        else:
            say(sentence)
        return NO
    if as_json:
        said = {
            "holds": True,
            "nature": found.nature,
            "store": found.store,
            "size": found.size,
            "fingerprint": found.fingerprint,
            "readings": found.readings,
            "faults": [],
        }
        print(json.dumps(said, ensure_ascii=False, indent=1))  # noqa: T201 - the answer
    else:
        lines = [line.zh if language() == "zh" else line.en for line in found.lines]
        print("\n".join(lines))  # noqa: T201 - the answer
    return DONE
