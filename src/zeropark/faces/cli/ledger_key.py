"""`zeropark ledger key`: the key that signs a store's heads."""

from __future__ import annotations

import datetime as dt
import getpass
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zeropark.faces.cli import ledger_heads
from zeropark.faces.cli.ledger_place import JsonOption, StoreOption, store_place
from zeropark.faces.cli.refused import DONE, Refused, disk_sentence
from zeropark.faces.cli.sentences import in_sentences
from zeropark.faces.locale import N_
from zeropark.faces.locale import gettext as _

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from zeropark.ledger.store import Store

_ASKED = "zeropark ledger key"
_File = Annotated[Path, typer.Argument(metavar="FILE", help=N_("File of the new key."))]
_Why = Annotated[str, typer.Option("--why", metavar="TEXT", help=N_("Why; it stands in the log."))]
_Passphrase = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help=N_("File with the passphrase; else it is asked for.")),
]


def new(file: _File, store: StoreOption = None, *, as_json: JsonOption = False) -> int:
    """Make a key; return 0."""
    from zeropark.ledger import keyfile, signing  # noqa: PLC0415 - imported by who asks

    if store is None:
        key = _told(lambda: keyfile.create(file), file)
        return _answer(key, as_json=as_json)
    return _in_store(
        store, lambda kept: _stated(kept, file, lambda key: signing.state_first(kept, key)), as_json
    )


def show(store: StoreOption = None, *, as_json: JsonOption = False) -> int:
    """Print the keys of a store; return 0."""
    from zeropark.ledger import signing  # noqa: PLC0415 - as above
    from zeropark.ledger.heads import moment  # noqa: PLC0415 - as above
    from zeropark.ledger.keys import Keyring  # noqa: PLC0415 - as above
    from zeropark.ledger.reader import Reader  # noqa: PLC0415 - as above
    from zeropark.ledger.signed import fingerprint  # noqa: PLC0415 - as above

    with in_sentences(), Reader(store_place(store)) as reader:
        ring = Keyring(signing.statements(reader.database, reader.log))
    rows: list[dict[str, Any]] = [
        {
            "fingerprint": fingerprint(each.key),
            "public": each.key.hex(),
            "epoch": each.epoch,
            "since": moment(each.since),
            "until": None if each.until is None else moment(each.until),
            "signs": each.key == ring.current,
        }
        for each in ring.periods.values()
    ]
    if as_json:
        print(json.dumps(rows, indent=1))  # noqa: T201 - the answer
        return DONE
    if not rows:
        print(_("The store knows no key yet."))  # noqa: T201 - the answer
    for row in rows:
        sentence = _("{fingerprint}, epoch {epoch}, from {since} until {until}")
        print(sentence.format(**{**row, "until": row["until"] or "-"}))  # noqa: T201 - the answer
    return DONE


def rotate(
    file: _File,
    store: StoreOption = None,
    key: ledger_heads.Key = None,
    *,
    as_json: JsonOption = False,
) -> int:
    """Hand on to a new key; return 0."""
    from zeropark.ledger import keyfile, signing  # noqa: PLC0415 - as above

    def work(kept: Store) -> Ed25519PrivateKey:
        old = keyfile.find(key, os.environ)
        return _stated(kept, file, lambda fresh: signing.hand_on(kept, old, fresh))

    return _in_store(store, work, as_json)


def revoke(
    which: Annotated[
        str, typer.Argument(metavar="FINGERPRINT", help=N_("Its fingerprint, or the beginning."))
    ],
    since: Annotated[
        str, typer.Option(metavar="DATE", help=N_("From when on, UTC: 2026-04-17 or with a time."))
    ],
    why: _Why,
    store: StoreOption = None,
    key: ledger_heads.Key = None,
    *,
    as_json: JsonOption = False,
) -> int:
    """Revoke a key; return 0."""
    from zeropark.ledger import keyfile, signing  # noqa: PLC0415 - as above

    moment = _moment(since)

    def work(kept: Store) -> Ed25519PrivateKey:
        signer = keyfile.find(key, os.environ)
        signing.revoke(kept, signer, which, moment, why)
        return signer

    return _in_store(store, work, as_json)


def lost(file: _File, why: _Why, store: StoreOption = None, *, as_json: JsonOption = False) -> int:
    """Begin a new epoch; return 0."""
    from zeropark.ledger import signing  # noqa: PLC0415 - as above

    return _in_store(
        store,
        lambda kept: _stated(kept, file, lambda key: signing.begin_epoch(kept, key, why)),
        as_json,
    )


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help=N_("The sealed file to make."))],
    key: ledger_heads.Key = None,
    passphrase: _Passphrase = None,
    *,
    as_json: JsonOption = False,
) -> int:
    """Seal a key; return 0."""
    from zeropark.ledger import keyfile  # noqa: PLC0415 - as above

    def work() -> Ed25519PrivateKey:
        found = keyfile.find(key, os.environ)
        keyfile.backup(found, file, _asked(passphrase))
        return found

    return _answer(_told(work, file), as_json=as_json)


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help=N_("The sealed file."))],
    into: Annotated[Path, typer.Argument(metavar="KEY", help=N_("The key file to make."))],
    passphrase: _Passphrase = None,
    *,
    as_json: JsonOption = False,
) -> int:
    """Open a sealed key; return 0."""
    from zeropark.ledger import keyfile  # noqa: PLC0415 - as above

    key = _told(lambda: keyfile.restore(file, _asked(passphrase), into), file)
    return _answer(key, as_json=as_json)


def _stated(
    kept: Store, file: Path, state: Callable[[Ed25519PrivateKey], object]
) -> Ed25519PrivateKey:
    """Make a key file and state the key; no file stays where the store refuses it."""
    from zeropark.ledger import keyfile  # noqa: PLC0415 - as above

    key = keyfile.create(file, kept.place if isinstance(kept.place, Path) else None)
    try:
        state(key)
    except BaseException:
        file.unlink()
        raise
    return key


def _in_store(store: str | None, work: Callable[[Store], Any], as_json: bool) -> int:  # noqa: FBT001 - handed on
    """Do what needs the store's one writer, and answer the key it returns."""
    from zeropark.ledger.store import Store  # noqa: PLC0415 - as above

    def inside() -> Any:
        with Store(place, _ASKED) as kept:
            return work(kept)

    place = store_place(store)
    found = _told(inside, place)
    return _answer(found, as_json=as_json)


def _told(work: Callable[[], Any], place: Path | str) -> Any:
    """Return what the work returns; what it or the disk refuses becomes a sentence."""
    with in_sentences():
        try:
            return work()
        except OSError as error:
            raise Refused(disk_sentence(error, str(error.filename or place))) from error


def _answer(key: Ed25519PrivateKey, *, as_json: bool) -> int:
    from zeropark.ledger.signed import fingerprint, public_bytes  # noqa: PLC0415 - as above

    public = public_bytes(key)
    if as_json:
        said = {"fingerprint": fingerprint(public), "public": public.hex()}
        print(json.dumps(said, indent=1))  # noqa: T201 - the answer
    else:
        sentence = _("fingerprint {fingerprint}; tell it to others by another way than the store")
        print(sentence.format(fingerprint=fingerprint(public)))  # noqa: T201 - the answer
    return DONE


def _asked(file: Path | None) -> str:
    if file is not None:
        return file.read_text(encoding="utf-8").rstrip("\n")
    if not sys.stdin.isatty():
        raise Refused(_("There is no terminal to ask for the passphrase; name a file."))
    return getpass.getpass(_("Passphrase: "))


def _moment(given: str) -> int:
    """Return a date or a moment (UTC where no zone is said) [ms since 1970-01-01 UTC]."""
    try:
        found = dt.datetime.fromisoformat(given)
    except ValueError as error:
        sentence = _("'{given}' is no date; write 2026-04-17 or 2026-04-17T12:00Z.")
        raise Refused(sentence.format(given=given)) from error
    zoned = found if found.tzinfo else found.replace(tzinfo=dt.UTC)
    return round(zoned.timestamp() * 1000)
