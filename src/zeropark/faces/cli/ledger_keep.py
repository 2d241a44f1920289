"""`zeropark ledger new|seal|backup|restore|upgrade`: what keeps a store in order."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zeropark.faces.cli.ledger_place import JsonOption, StoreOption, store_place, tell
from zeropark.faces.cli.progress import Progress
from zeropark.faces.cli.refused import DONE
from zeropark.faces.locale import N_, language
from zeropark.faces.locale import gettext as _

NewPlace = Annotated[Path, typer.Argument(metavar="DIR", help=N_("Folder to make."))]


def new(
    where: Annotated[
        str, typer.Argument(metavar="PLACE", help=N_("Folder to make, or postgresql://…"))
    ],
    nature: Annotated[
        str,
        typer.Option(metavar="NATURE", help=N_("field or simulated; no command changes it later.")),
    ],
    *,
    as_json: JsonOption = False,
) -> int:
    """Make a store, such as: zeropark ledger new ledger --nature field."""
    from zeropark.faces.cli.sentences import in_sentences  # noqa: PLC0415 - see `ledger`
    from zeropark.ledger.place import place_of, shown  # noqa: PLC0415
    from zeropark.ledger.reader import Reader  # noqa: PLC0415
    from zeropark.ledger.store import create  # noqa: PLC0415

    place = place_of(where)
    with in_sentences():
        create(place, nature)
        with Reader(place) as reader:
            about = reader.about
    answer = {"store": about.id, "nature": about.nature, "place": shown(place)}
    words = _("{place} holds the new store {id}; it is {nature} for good.")
    line = words.format(place=shown(place), id=about.id, nature=about.nature)
    tell(answer, [line], as_json=as_json)
    return DONE


def seal(store: StoreOption = None, *, as_json: JsonOption = False) -> int:
    """Seal hours that are over and put days together: zeropark ledger seal --store ledger."""
    from zeropark.faces.cli.sentences import in_sentences  # noqa: PLC0415 - see `ledger`
    from zeropark.ledger.seal import compact  # noqa: PLC0415
    from zeropark.ledger.seal import seal as seal_hours  # noqa: PLC0415
    from zeropark.ledger.store import Store  # noqa: PLC0415

    place = store_place(store)
    with in_sentences(), Store(place, "seal") as opened, Progress() as progress:
        hours = seal_hours(opened, lambda done, total: progress("seal", done, total))
        days = compact(opened, lambda done, total: progress("compact", done, total))
    answer = {"sealed": hours, "compacted": days}
    words = _("{hours} hours sealed, {days} days put together.")
    tell(answer, [words.format(hours=len(hours), days=len(days))], as_json=as_json)
    return DONE


def backup(to: NewPlace, store: StoreOption = None, *, as_json: JsonOption = False) -> int:
    """Copy a store while it is written: zeropark ledger backup copy --store ledger."""
    from zeropark.faces.cli.sentences import in_sentences  # noqa: PLC0415 - see `ledger`
    from zeropark.ledger.backup import back_up  # noqa: PLC0415

    place = store_place(store)
    with in_sentences(), Progress() as progress:
        size = back_up(place, to, lambda done, total: progress("copy", done, total))
    words = _("{place} holds the store up to {size} entries of its log. It holds no key.")
    line = words.format(place=to, size=size)
    tell({"place": str(to), "size": size}, [line], as_json=as_json)
    return DONE


def restore(
    copy: Annotated[
        str, typer.Argument(metavar="COPY", help=N_("The backup: a folder, or postgresql://…"))
    ],
    to: Annotated[
        str, typer.Argument(metavar="PLACE", help=N_("Folder to make, or postgresql://…"))
    ],
    *,
    as_json: JsonOption = False,
) -> int:
    """Make a store from a backup and verify it: zeropark ledger restore copy ledger."""
    from zeropark.faces.cli.sentences import in_sentences  # noqa: PLC0415 - see `ledger`
    from zeropark.ledger.backup import restore as restore_copy  # noqa: PLC0415
    from zeropark.ledger.place import place_of, shown  # noqa: PLC0415

    place = place_of(to)
    with in_sentences(), Progress() as progress:
        size = restore_copy(
            place_of(copy), place, lambda done, total: progress("verify", done, total)
        )
    words = _("{place} is the store as it was at {size} entries of its log, and says so in it.")
    line = words.format(place=shown(place), size=size)
    tell({"place": shown(place), "size": size}, [line], as_json=as_json)
    return DONE


def upgrade(
    store: StoreOption = None,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help=N_("Show the steps; change nothing."))
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Lift a store of an older form: zeropark ledger upgrade --store ledger --dry-run."""
    from zeropark.faces.cli.sentences import in_sentences  # noqa: PLC0415 - see `ledger`
    from zeropark.ledger.place import shown  # noqa: PLC0415
    from zeropark.ledger.upgrade import upgrade as lift  # noqa: PLC0415

    place = store_place(store)
    with in_sentences():
        done = lift(place, dry_run=dry_run)
    if not done.steps:
        lines = [_("The store has form {form}, the newest; nothing to do.").format(form=done.form)]
    else:
        lines = [step.in_language(language()) for step in done.steps]
        if done.copy is not None:
            lines.append(
                _("The store as it was before lies in {place}.").format(place=shown(done.copy))
            )
    answer = {
        "form": done.form,
        "wanted": done.wanted,
        "steps": [step.en for step in done.steps],
        "copy": None if done.copy is None else shown(done.copy),
    }
    tell(answer, lines, as_json=as_json)
    return DONE
