"""`zeropark user reset`: a new password on the machine itself, for who is locked out."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import Annotated

import typer

from zeropark.faces.cli.refused import DONE, Refused, did_you_mean, say
from zeropark.faces.locale import N_
from zeropark.faces.locale import gettext as _


def reset(
    name: Annotated[str, typer.Argument(metavar="NAME", help=N_("Who is locked out."))],
    *,
    store: Annotated[
        Path, typer.Option(metavar="DIR", help=N_("Folder of the store that operate writes."))
    ] = Path("runs/serve"),
    password_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help=N_("Holds the new password; else it is asked for.")),
    ] = None,
) -> int:
    """Give a person a new password, end all sessions, forget the second factor; post that."""
    # As in every command: the libraries only once its words are read.
    from zeropark.data.errors import DataError  # noqa: PLC0415
    from zeropark.faces.cli.sentences import in_sentences  # noqa: PLC0415
    from zeropark.faces.web.factors import Factors  # noqa: PLC0415
    from zeropark.faces.web.people import People  # noqa: PLC0415
    from zeropark.operate.socket import NAME, hand_over  # noqa: PLC0415

    file = store.with_name(f"{store.name}-people.db")
    if not file.exists():
        raise Refused(_("{path}: does not exist. Check the path.").format(path=file))
    people = People(file)
    try:
        names = [each.name for each in people.all()]
        if name not in names:
            sentence = _("Nobody is called '{given}'.{meant} There are: {names}.")
            meant, there = did_you_mean(name, names), ", ".join(names)
            raise Refused(sentence.format(given=name, meant=meant, names=there))
        by = getpass.getuser()
        with in_sentences():
            people.reset(name, _password(password_file), f"{by} on the machine")
        Factors(people).forget(name)
    finally:
        people.close()
    body = {"act": "password_reset", "name": name, "by": by}
    entry = {"verb": "enter", "kind": "people", "body": body, "subject": name, "role": "system"}
    try:
        hand_over(store / NAME, entry)
    except DataError:
        say(_("Done, and kept beside the store; operate does not run, so it is not in the ledger."))
        return DONE
    say(_("Done, and in the ledger. All sessions of {name} are over.").format(name=name))
    return DONE


def _password(file: Path | None) -> str:
    if file is not None:
        if not file.is_file():
            raise Refused(_("{path}: does not exist. Check the path.").format(path=file))
        return file.read_text(encoding="utf-8").rstrip("\n")
    if not sys.stdin.isatty():
        raise Refused(_("There is no terminal to ask for the password. Add --password-file."))
    password = getpass.getpass(_("Password: "))
    if password != getpass.getpass(_("Password again: ")):
        raise Refused(_("The two passwords differ. Nothing was written."))
    return password
