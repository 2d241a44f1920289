"""The parks that come with the product, and what a person means by PARK."""

from __future__ import annotations

from pathlib import Path

from zeropark.faces.cli.refused import Refused, did_you_mean
from zeropark.faces.locale import gettext as _

PARK_FILE = "park.yaml"
_PACKAGE = Path(__file__).parents[2]


def parks_folder() -> Path:
    """Return the folder of the shipped parks: in the wheel, or at the root of a checkout."""
    packed = _PACKAGE / "parks"
    return packed if packed.is_dir() else _PACKAGE.parents[1] / "parks"


def shipped_parks() -> list[str]:
    """Return the names of the shipped parks, in alphabetical order."""
    return sorted(file.parent.name for file in parks_folder().glob(f"*/{PARK_FILE}"))


def shipped_park(name: str) -> Path:
    """Return the park file of a shipped park; refuses a name nobody ships, with the nearest."""
    if name not in shipped_parks():
        raise _unknown(name)
    return parks_folder() / name / PARK_FILE


def park_file(given: str) -> Path:
    """Return the park file a person means: a file, a folder with one, or a shipped park's name."""
    path = Path(given)
    if path.is_file():
        return path
    if (path / PARK_FILE).is_file():
        return path / PARK_FILE
    if given in shipped_parks():
        return shipped_park(given)
    if path.is_dir():
        sentence = _("{path}: no {file} in this folder. Name the park file.")
        raise Refused(sentence.format(path=given, file=PARK_FILE))
    raise _unknown(given)


def _unknown(given: str) -> Refused:
    names = shipped_parks()
    if "/" in given or given.endswith((".yaml", ".yml")):
        return Refused(_("{path}: does not exist. Check the path.").format(path=given))
    sentence = _("'{given}' is neither a file nor a shipped park.{meant} Shipped parks: {names}.")
    return Refused(
        sentence.format(given=given, meant=did_you_mean(given, names), names=", ".join(names))
    )
