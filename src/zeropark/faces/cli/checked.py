"""What `zeropark check` found, and how it is shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from zeropark.data.describe import Understood, describe
from zeropark.data.errors import DataError
from zeropark.faces.cli.help import cells
from zeropark.faces.locale import gettext as _
from zeropark.model.asset import Asset
from zeropark.model.document import read_document
from zeropark.model.form import LIFT
from zeropark.model.mistakes import Mistake, ParkError
from zeropark.model.park import Park, Series
from zeropark.model.parkfile import read_park
from zeropark.units.text import Text
from zeropark.units.timegrid import to_utc

_GAPS_SHOWN = 5
_GAP = 2


@dataclass
class Checked:
    """A park file's mistakes, the park where there are none, and files as they would be read."""

    file: str
    mistakes: list[Mistake] = field(default_factory=list)
    park: Park | None = None
    understood: list[Understood] = field(default_factory=list)

    @property
    def lift(self) -> Text | None:
        """How to lift the file to the form of this version; None where it has it."""
        return LIFT if self.park is not None and self.park.form is None else None

    def as_json(self) -> dict[str, Any]:
        """Return what was found, for programs."""
        return {
            "file": self.file,
            "mistakes": [_mistake_json(mistake) for mistake in self.mistakes],
            "summary": None if self.park is None else _summary_json(self.park),
            "files": [_understood_json(each) for each in self.understood],
            "lift": None if self.lift is None else self.lift._asdict(),
        }

    def show(self, language: str) -> None:
        """Print what was found, in `language`."""
        lines = [mistake.sentence(language) for mistake in self.mistakes]
        lines.append(_count(len(self.mistakes)))
        if self.park is not None and not self.mistakes:
            lines += ["", *_table(_summary(self.park, language))]
        if self.lift is not None:
            lines += ["", f"{self.file}: {self.lift.in_language(language)}"]
        for each in self.understood:
            lines += ["", *_file_lines(each, language)]
        print("\n".join(lines))  # noqa: T201 - the answer of a command


def examine(
    path: Path, kinds: Mapping[str, type[Asset]], files: Mapping[str, Path], *, dry_run: bool
) -> Checked:
    """Return the mistakes of the park file at `path` and of the files it names.

    files: a person's own, by what they say, shown as they would be read. dry_run: show the park
    file's own too.
    """
    found = Checked(str(path))
    try:
        found.park = read_park(path, kinds)
    except ParkError as error:
        found.mistakes = list(error.mistakes)
        return found
    park = found.park
    found.mistakes = device_mistakes(path, park)
    begin = _begin(park)
    wanted: list[tuple[str, Path, Series | None]] = [
        (series.of, path.parent / series.file, series)
        for series in park.series
        if series.file is not None
    ]
    wanted += [(of, file, park.said_of(of, file.name)) for of, file in files.items()]
    for of, file, said in wanted:
        try:
            each = describe(file, of, park.place.zone, begin, said)
        except ParkError as error:
            found.mistakes += error.mistakes
        except DataError as error:
            found.mistakes.append(Mistake(file.name, 0, "", error.text, error.key))
        else:
            if dry_run:
                found.understood.append(each)
    return found


def device_mistakes(path: Path, park: Park) -> list[Mistake]:
    """Return what is wrong with the devices and callers a park file names, and with templates."""
    if not park.devices and not park.callers:
        return []
    # Templates are only looked at where a park has devices.
    from zeropark.devices.grid.named import wrong_callers  # noqa: PLC0415
    from zeropark.devices.named import wrong_lines  # noqa: PLC0415

    document = read_document(path)
    try:
        for wrong in wrong_lines(park):
            document.mistake(("devices", wrong.at, wrong.field), wrong.code, wrong.text)
    except ParkError as error:
        return list(error.mistakes)
    for wrong in wrong_callers(park):
        document.mistake(("callers", wrong.at, wrong.field), wrong.code, wrong.text)
    return document.mistakes


def _begin(park: Park) -> np.datetime64:
    """Return the moment at which a file that counts from 0 would begin: that of the first study."""
    day = park.studies[0].start.isoformat() if park.studies else "2026-01-01"
    return to_utc(np.datetime64(day, "s"), park.place.zone)


def _count(mistakes: int) -> str:
    if mistakes == 1:
        return _("1 mistake")
    return _("{count} mistakes").format(count=mistakes)


def _summary(park: Park, language: str) -> list[tuple[str, str]]:
    """Return the rows (what, value) a person looks at to see that it is their park."""
    place = park.place
    where = f"{place.latitude:g}°, {place.longitude:g}°, {place.altitude:g} m, {place.zone}"
    rows = [
        (_("Park"), park.shown.in_language(language)),
        (_("Place"), where),
        (_("Nodes"), ", ".join(f"{node.name} ({node.carrier})" for node in park.nodes)),
    ]
    titles = Counter(asset.title.in_language(language) for asset in park.assets)
    counted = [f"{title} × {count}" if count > 1 else title for title, count in titles.items()]
    rows.append((_("Assets"), ", ".join(counted)))
    if park.tariffs:
        rows.append((_("Tariffs"), ", ".join(tariff.name for tariff in park.tariffs)))
    if park.series:
        rows.append((_("Series"), ", ".join(series.name for series in park.series)))
    assumed, silent = len(park.assumptions()), _silent(park)
    words = _("{count}, of them {assumed} assumed or recalled, {silent} without a source")
    rows.append(
        (_("Numbers"), words.format(count=len(park.numbers), assumed=assumed, silent=silent))
    )
    return rows


def _silent(park: Park) -> int:
    return sum(number.source is None for number in park.numbers)


def _file_lines(each: Understood, language: str) -> list[str]:
    """Return how a file would be read, and the lines that confirm it in the park file."""
    step = "" if each.step_minutes is None else _("{step:g} min").format(step=each.step_minutes)
    rows = [
        (_("File"), each.file),
        (_("Rows"), f"{each.rows:,}" + (f", {step}" if step else "")),
        (_("Zone"), each.zone),
        (_("First"), each.first),
        (_("Last"), each.last),
    ]
    shown = [f"{first} → {last}" for first, last in each.gaps[:_GAPS_SHOWN]]
    more = len(each.gaps) - len(shown)
    gaps = "; ".join(shown) + (_(" and {count} more").format(count=more) if more > 0 else "")
    rows.append((_("Gaps"), gaps or _("none")))
    columns = [
        (name, f"{meaning.in_language(language)}{f' [{unit}]' if unit else ''}")
        for name, meaning, unit in each.columns
    ]
    lines = [*_table(rows), "", *_table([(_("Column"), _("Meaning")), *columns])]
    lines += [f"- {finding.text.in_language(language)}" for finding in each.findings]
    return [*lines, "", _("To confirm, paste into the park file:"), "", each.confirm]


def _table(rows: Sequence[tuple[str, str]]) -> list[str]:
    """Return rows as lines, their second column aligned; a Chinese character takes two columns."""
    width = max(cells(name) for name, _value in rows) + _GAP
    return [name + " " * (width - cells(name)) + value for name, value in rows]


def _mistake_json(mistake: Mistake) -> dict[str, Any]:
    return {
        "file": mistake.file,
        "line": mistake.line,
        "where": mistake.where,
        "code": mistake.code,
        "text": mistake.text._asdict(),
    }


def _summary_json(park: Park) -> dict[str, Any]:
    place = park.place
    return {
        "park": park.name,
        "place": {
            "latitude_deg": place.latitude,
            "longitude_deg": place.longitude,
            "altitude_m": place.altitude,
            "zone": place.zone,
        },
        "nodes": [{"name": node.name, "carrier": node.carrier} for node in park.nodes],
        "assets": [{"name": asset.name, "kind": asset.kind} for asset in park.assets],
        "numbers": len(park.numbers),
        "assumptions": len(park.assumptions()),
        "without_source": _silent(park),
    }


def _understood_json(each: Understood) -> dict[str, Any]:
    return {
        "of": each.of,
        "file": each.file,
        "columns": [
            {"column": name, "meaning": meaning._asdict(), "unit": unit}
            for name, meaning, unit in each.columns
        ],
        "zone": each.zone,
        "first": each.first,
        "last": each.last,
        "rows": each.rows,
        "step_minutes": each.step_minutes,
        "gaps": [{"from": first, "to": last} for first, last in each.gaps],
        "findings": _texts(finding.text for finding in each.findings),
        "confirm": each.confirm,
    }


def _texts(texts: Iterable[Text]) -> list[dict[str, str]]:
    return [text._asdict() for text in texts]
