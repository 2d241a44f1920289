"""The folder of a result: written beside its place, moved into it when whole."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from zeropark.faces.cli.refused import Refused, disk_sentence
from zeropark.faces.locale import gettext as _

_PACKAGE = Path(__file__).parents[2]
RESULT_FILES = frozenset({"run.json", "series.parquet", "report.html"})


@contextmanager
def result_folder(place: Path) -> Iterator[Path]:
    """Yield a new folder beside `place`; it takes the place when the block ends without an error.

    An earlier result there is replaced; anything else a person keeps there is refused. What the
    disk refuses becomes a sentence, and the half-written folder is removed. Raises `Refused`.
    """
    place = Path(os.path.abspath(place))  # noqa: PTH100 - `resolve` would follow a link and replace its target
    beside = place.with_name(f".{place.name}.part-{os.getpid()}")
    _free(place)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        beside.mkdir()
    except FileNotFoundError as error:
        sentence = _("{path}: no folder can be made here. Choose another place.")
        raise Refused(sentence.format(path=place)) from error
    except OSError as error:
        raise Refused(disk_sentence(error, str(place))) from error
    try:
        yield beside
        _take_place(beside, place)
    except OSError as error:
        if str(_PACKAGE) in str(error.filename):
            # A file of the product itself: no mend of the person's.
            raise
        raise Refused(disk_sentence(error, _named(error, beside, place))) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _free(place: Path) -> None:
    """Refuse a place where something stands that no run wrote."""
    try:
        if not place.exists():
            return
        if not place.is_dir():
            sentence = _("{path}: a file stands where a folder is needed. Choose another path.")
            raise Refused(sentence.format(path=place))
        strange = sorted(entry.name for entry in place.iterdir() if entry.name not in RESULT_FILES)
    except OSError as error:
        raise Refused(disk_sentence(error, str(place))) from error
    if strange:
        sentence = _(
            "{path}: holds '{name}', which no run wrote. Choose another folder or move it."
        )
        raise Refused(sentence.format(path=place, name=strange[0]))


def _named(error: OSError, beside: Path, place: Path) -> str:
    """Return the path to speak of: the file the error names, unless a person never saw it."""
    file = str(error.filename or "")
    return str(place) if not file or str(beside) in file else file


def _take_place(beside: Path, place: Path) -> None:
    old = place.with_name(f".{place.name}.old-{os.getpid()}")
    if place.exists():
        place.rename(old)
    beside.rename(place)
    shutil.rmtree(old, ignore_errors=True)
