"""`zeropark init`: a copy of a shipped park to start from."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Annotated

import typer

from zeropark.faces.cli.parks import PARK_FILE, shipped_park
from zeropark.faces.cli.refused import DONE, Refused, disk_sentence
from zeropark.faces.locale import N_
from zeropark.faces.locale import gettext as _


def init(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help=N_("Folder to make; it must not hold anything yet.")),
    ],
    park: Annotated[
        str, typer.Option(metavar="NAME", help=N_("Shipped park to copy: microgrid."))
    ] = "microgrid",
    *,
    as_json: Annotated[bool, typer.Option("--json", help=N_("Print the result as JSON."))] = False,
) -> int:
    """Copy a shipped park into `folder`, whole or not at all; return the exit code."""
    source = shipped_park(park).parent
    files = copy_whole(source, folder)
    if as_json:
        answer = {"park": park, "folder": str(folder), "files": files}
        print(json.dumps(answer, ensure_ascii=False))  # noqa: T201 - the answer of a command
        return DONE
    sentence = _("{folder} holds the park {name}. Next: zeropark check {file}")
    file = folder / PARK_FILE
    print(sentence.format(folder=folder, name=park, file=file))  # noqa: T201 - as above
    return DONE


def copy_whole(source: Path, folder: Path) -> list[str]:
    """Copy `source` to `folder` and return the files' names; refuses a folder that holds anything.

    The copy is made beside its place and moved there when it is whole.
    """
    folder = Path(os.path.abspath(folder))  # noqa: PTH100 - a link stays a link
    beside = folder.with_name(f".{folder.name}.part-{os.getpid()}")
    try:
        if folder.is_file():
            sentence = _("{path}: a file stands where a folder is needed. Choose another path.")
            raise Refused(sentence.format(path=folder))
        held = sorted(entry.name for entry in folder.iterdir()) if folder.exists() else []
        if held:
            sentence = _("{path}: holds '{name}' already. Choose a new or an empty folder.")
            raise Refused(sentence.format(path=folder, name=held[0]))
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, beside)
        beside.replace(folder)
    except FileNotFoundError as error:
        # The park is there, so it is the place that takes no folder.
        sentence = _("{path}: no folder can be made here. Choose another place.")
        raise Refused(sentence.format(path=folder)) from error
    except OSError as error:
        raise Refused(disk_sentence(error, str(folder))) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
