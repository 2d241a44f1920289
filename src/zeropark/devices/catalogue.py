"""The templates there are: YAML files of the product and of a folder of your own.

A register list of the same name lies beside a template (`.csv`): typed from the maker's document,
or the SunSpec model, with its page. A template is confirmed where every point of it is as the list
says.
"""

from __future__ import annotations

import csv
import importlib
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import ValidationError

from zeropark.devices.template import PointTemplate, Template
from zeropark.model.document import Document, read_document
from zeropark.model.fields import Loc
from zeropark.model.mistakes import ParkError, explain
from zeropark.units.refusal import FIELD, meant, with_meant
from zeropark.units.text import Text

FOLDER = "ZEROPARK_DEVICES"
_HERE = Path(__file__).parent
COLUMNS = ("point", "address", "type", "raw", "power", "value", "unit", "words", "page")
"""Columns of a register list.

point: ours, with ` set` behind it where a set-point goes. address, type: as the document says. raw:
an example, with the power of ten of its scale where the device has one; value, unit: what it
means. words: the document's own. page: where they stand.
"""
_SAME = 1e-9
_UNKNOWN = Text(
    "there is no device template '{given}'{meant} Known: {known}",
    "没有设备模板“{given}”{meant}已有：{known}",
)
_NO_PROTOCOL = Text(
    "unknown protocol '{given}'{meant} Known: {known}", "未知协议“{given}”{meant}已有：{known}"
)
_NOT_LISTED = Text(
    "{point} is not in the register list {list}; type its row from the document",
    "寄存器表 {list} 中没有 {point}；按厂家文件补上该行",
)
_OTHER_PLACE = Text(
    "{point} lies at {given}, the register list {list} says {said} ({page})",
    "{point} 的地址写为 {given}，寄存器表 {list} 为 {said}（{page}）",
)
_OTHER_VALUE = Text(
    "{point}: raw {raw} becomes {given} {unit} by this template, the register list {list} says "
    "{said} {said_unit} ({page}); check scale, sign and unit",
    "{point}：原始值 {raw} 按此模板为 {given} {unit}，寄存器表 {list} 为 {said} {said_unit}"
    "（{page}）；检查 scale、sign 与 unit",
)
_NEEDS = Text(
    "{protocol} devices need a library that is not installed ({name}); install zeropark[field]",
    "{protocol} 设备所需的库未安装（{name}）；请安装 zeropark[field]",
)


class DeviceError(Exception):
    """What a person said of devices cannot be done; `text` is the sentence."""

    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text


@dataclass(frozen=True)
class ListedRow:
    """A row of a register list, as typed from a document."""

    point: str
    address: str
    type: str
    raw: float
    power: int
    value: float
    unit: str
    words: str
    page: str


def template_files() -> dict[str, Path]:
    """Return the template files by name: the product's, and those of the folder of your own."""
    named = os.environ.get(FOLDER)
    folders = [_HERE / "templates", *([Path(named)] if named else [])]
    return {path.stem: path for folder in folders for path in sorted(folder.glob("*.yaml"))}


def read_template(name: str) -> Template:
    """Return a template by its name.

    Raises `DeviceError` where there is none, `ParkError` with all mistakes of its file.
    """
    files = template_files()
    if name not in files:
        raise DeviceError(unknown_template(name))
    return _read(files[name])


def unknown_template(name: str) -> Text:
    """Return the sentence that says there is no template of this name."""
    known = sorted(template_files())
    return with_meant(_UNKNOWN, meant(name, known), given=name, known=", ".join(known))


@cache
def _read(path: Path) -> Template:
    document = read_document(path)
    try:
        template = Template.model_validate(document.data)
    except ValidationError as error:
        _note(document, error)
        raise ParkError(document.mistakes) from None
    if template.protocol not in protocols():
        known = ", ".join(protocols())
        near = meant(template.protocol, protocols())
        text = with_meant(_NO_PROTOCOL, near, given=template.protocol, known=known)
        document.mistake(("protocol",), "protocol_unknown", text)
        raise ParkError(document.mistakes)
    for place, text in protocol(template.protocol).wrong_points(template):
        document.mistake(_loc(place), "point_wrong", text)
    rows = register_list(path)
    for place, text in beside_list(template, rows, path.with_suffix(".csv").name):
        document.mistake(_loc(place), "not_as_listed", text)
    if document.mistakes:
        raise ParkError(document.mistakes)
    return template.model_copy(update={"confirmed": bool(rows)})


def _note(document: Document, error: ValidationError) -> None:
    for one in error.errors(include_url=False):
        loc = (*one["loc"], *_loc(str(one.get("ctx", {}).get(FIELD, ""))))
        missing = one["type"] in ("missing", "extra_forbidden")
        beside = Template.model_fields if len(loc) == 1 else PointTemplate.model_fields
        given = document.at(loc)
        text = explain(one, str(given), "", beside)
        document.mistake(loc[:-1] if missing else loc, one["type"], text, document.line(loc))


def _loc(dotted: str) -> Loc:
    return tuple(int(part) if part.isdecimal() else part for part in dotted.split(".") if part)


def protocols() -> tuple[str, ...]:
    """Return the names of the protocols, one file each."""
    found = (path.stem for path in (_HERE / "protocols").glob("*.py"))
    return tuple(sorted(name for name in found if not name.startswith("_")))


def protocol(name: str) -> ModuleType:
    """Return a protocol's module; raises `DeviceError` where its library is not installed."""
    try:
        return importlib.import_module(f"zeropark.devices.protocols.{name}")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("zeropark"):
            raise
        raise DeviceError(_NEEDS.format(protocol=name, name=error.name)) from None


def register_list(path: Path) -> tuple[ListedRow, ...]:
    """Return the register list that lies beside a template; empty where none does."""
    beside = path.with_suffix(".csv")
    if not beside.is_file():
        return ()
    with beside.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return tuple(_row(row) for row in rows)


def _row(row: Mapping[str, Any]) -> ListedRow:
    return ListedRow(
        row["point"],
        row["address"],
        row["type"],
        float(row["raw"]),
        int(row["power"] or 0),
        float(row["value"]),
        row["unit"],
        row["words"],
        row["page"],
    )


def beside_list(
    template: Template, rows: Sequence[ListedRow], name: str
) -> Iterator[tuple[str, Text]]:
    """Yield (place, sentence) of each point that is not as its register list says.

    Nothing where there is no list. name: of the list.
    """
    listed = {row.point: row for row in rows}
    for index, point in enumerate(template.points) if rows else ():
        for field, key, address, type_ in _places(point):
            place, row = f"points.{index}.{field}", listed.get(key)
            if row is None:
                yield place, _NOT_LISTED.format(point=key, list=name)
            elif (str(address), type_) != (row.address, row.type):
                given = f"{address} ({type_})"
                said = f"{row.address} ({row.type})"
                yield (
                    place,
                    _OTHER_PLACE.format(
                        point=key, given=given, said=said, list=name, page=row.page
                    ),
                )
            else:
                value = point.sign * row.raw * point.scale * 10.0**row.power
                same = math.isclose(value, row.value, rel_tol=_SAME, abs_tol=_SAME)
                if not same or point.unit != row.unit:
                    yield (
                        place,
                        _OTHER_VALUE.format(
                            point=key,
                            raw=f"{row.raw:g}",
                            given=f"{value:g}",
                            unit=point.unit,
                            said=f"{row.value:g}",
                            said_unit=row.unit,
                            list=name,
                            page=row.page,
                        ),
                    )


def _places(point: PointTemplate) -> Iterator[tuple[str, str, int | str, str]]:
    """Yield (field, name in the list, address, type) of where a point lies."""
    yield "address", point.name, point.address, point.type
    if point.set_address is not None:
        yield "set_address", f"{point.name} set", point.set_address, point.set_type or point.type
