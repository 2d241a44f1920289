"""`zeropark check`.

All mistakes of a park file at once, its schema, and how files would be read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from zeropark.faces.cli import files as files_of
from zeropark.faces.cli.parks import park_file
from zeropark.faces.cli.refused import DONE, WRONG_INPUT, Refused
from zeropark.faces.locale import N_, language
from zeropark.faces.locale import gettext as _


def check(
    file: Annotated[
        str | None,
        typer.Argument(metavar="FILE", help=N_("A park file, or a shipped park's name.")),
    ] = None,
    *,
    schema: Annotated[
        bool, typer.Option("--schema", help=N_("Print the JSON Schema of park files, for editors."))
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help=N_("Show how your files would be read; run nothing."))
    ] = False,
    weather: files_of.Weather = None,
    load: files_of.Load = None,
    price: files_of.Price = None,
    jobs: files_of.Jobs = None,
    cars: files_of.Cars = None,
    outages: files_of.Outages = None,
    as_json: Annotated[bool, typer.Option("--json", help=N_("Print the result as JSON."))] = False,
) -> int:
    """Check a park file and the files it names; return 0 where nothing is wrong, 2 otherwise."""
    files = files_of.brought(weather, load, price, jobs, cars, outages)
    if schema:
        beside = [str(each) for each in (file, *files.values()) if each is not None]
        if beside:
            sentence = _(
                "--schema is alike for every park and reads no file. "
                "Leave out {given}, or leave out --schema to check it."
            )
            raise Refused(sentence.format(given=", ".join(beside)))
        return _schema()
    if files and not dry_run:
        raise Refused(_("Your own files are shown with --dry-run; add it."))
    if file is None:
        raise Refused(_("FILE is missing. Name a park file, or a shipped park such as microgrid."))
    return _checked(park_file(file), files, dry_run=dry_run, as_json=as_json)


def _schema() -> int:
    # The kinds' own libraries take a while to import: only who asks for the schema waits for all.
    from zeropark.assets import kinds  # noqa: PLC0415
    from zeropark.model.schema import park_schema  # noqa: PLC0415

    print(json.dumps(park_schema(kinds()), ensure_ascii=False, indent=1))  # noqa: T201 - an answer
    return DONE


def _checked(path: Path, files: Mapping[str, Path], *, dry_run: bool, as_json: bool) -> int:
    from zeropark.assets import kinds  # noqa: PLC0415 - as above
    from zeropark.faces.cli.checked import examine  # noqa: PLC0415

    found = examine(path, kinds(), files, dry_run=dry_run)
    if as_json:
        answer: dict[str, Any] = found.as_json()
        print(json.dumps(answer, ensure_ascii=False, indent=1))  # noqa: T201 - the answer
    else:
        found.show(language())
    return WRONG_INPUT if found.mistakes else DONE
