"""Where the bands of an energy picture lie: plain SVG, drawn by the server, in any width."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from zeropark.faces.report.flows import Band, Flow
from zeropark.faces.report.shown import Measure, amount, percent
from zeropark.faces.report.words import say
from zeropark.units.text import Text

Write = Callable[..., Measure]
"""How a column of a picture's numbers is written."""
_BAR = 4.0
_GAP = 8.0
_HEAD = 22.0


@dataclass(frozen=True)
class Frame:
    """Room for a picture [px].

    width: of all. left, right: kept for labels. height: of the node in the middle. row: least
    height of an entry. narrow: names stand above their numbers, shares are left out.
    """

    width: float
    left: float
    right: float
    height: float
    row: float
    narrow: bool = False


WIDE = Frame(1152, 264, 330, 196, 23)
NARROW = Frame(358, 96, 118, 220, 34, narrow=True)


@dataclass(frozen=True)
class Label:
    """A text in the picture.

    name: whole words, shown on hover where `text` was cut. key: of the band it stands at.
    """

    x: float
    y: float
    text: Text
    style: str
    anchor: str = "start"
    name: Text | None = None
    key: str = ""


@dataclass(frozen=True)
class Ribbon:
    """A band between two bars: its path, the colour variable of its fill, its manner."""

    path: str
    top: str
    bottom: str
    colour: str
    manner: str


@dataclass(frozen=True)
class Bar:
    """The end of a band, or the node in the middle [px]."""

    x: float
    y: float
    height: float
    colour: str


@dataclass(frozen=True)
class Drawing:
    """All that stands in one picture, and a sentence that says it."""

    width: float
    height: float
    carrier: str
    ribbons: tuple[Ribbon, ...]
    bars: tuple[Bar, ...]
    labels: tuple[Label, ...]
    summary: Text


def energy(*values: float | None) -> Measure:
    """Return how a column of energies [MWh] is written."""
    return amount("MWh", *values)


def draw(
    flow: Flow, frame: Frame, scale_mwh: float | None = None, write: Write = energy
) -> Drawing:
    """Return where everything of `flow` lies.

    scale_mwh: energy that fills the frame's height; the flow's own total where None. write: how
    its numbers are written, where they are no energies.
    """
    totals = [sum(band.mwh for band in side) for side in (flow.sources, flow.uses)]
    scale = frame.height / max(1e-12, scale_mwh or max(totals))
    node = max(totals) * scale
    stacks = [_stack(side, scale, frame) for side in (flow.sources, flow.uses)]
    tall = max(node, *(height for _, height in stacks))
    left, right = (_centred(placed, (tall - height) / 2) for placed, height in stacks)
    # On a narrow page the names at the right reach under the node: its own stands above it.
    above = _HEAD if frame.narrow else 0.0
    left, right = _centred(left, above), _centred(right, above)
    top = above + (tall - node) / 2
    x_left, x_right = frame.left, frame.width - frame.right
    middle = x_left + (x_right - x_left) / 2
    hub = (
        f"var(--{flow.carrier}, var(--unknown))" if flow.carrier != "electricity" else "var(--ink)"
    )
    bars = [Bar(middle, top, node, hub)]
    ribbons, labels = [], _node_label(flow, middle, 12 if frame.narrow else top + node + 15, write)
    for side, entries in (("left", left), ("right", right)):
        at = top
        for band, y in entries:
            thick = band.mwh * scale
            if side == "left":
                ribbons.append(_ribbon(band, x_left + _BAR, y, middle, at, thick))
                bars.append(Bar(x_left, y, max(thick, 1.0), _colour(band)))
                labels += _source_label(band, flow, x_left - 8, y + thick / 2, frame, write)
            else:
                ribbons.append(_ribbon(band, middle + _BAR, at, x_right, y, thick))
                bars.append(Bar(x_right, y, max(thick, 1.0), _colour(band)))
                labels += _use_label(band, flow, x_right + 12, y + thick / 2, frame, write)
            at += thick
    return Drawing(
        frame.width,
        round(above + tall + 26),
        flow.carrier,
        tuple(ribbons),
        tuple(bars),
        tuple(labels),
        _summary(flow, write),
    )


def _stack(
    bands: tuple[Band, ...], scale: float, frame: Frame
) -> tuple[list[tuple[Band, float]], float]:
    """Return each band with the upper edge of its bar, and the height of all; labels have room."""
    placed, y = [], 0.0
    for band in bands:
        thick = band.mwh * scale
        room = max(thick + (_GAP if thick > frame.row / 2 else 0.0), frame.row)
        placed.append((band, y + (room - thick) / 2))
        y += room
    return placed, y


def _centred(placed: list[tuple[Band, float]], shift: float) -> list[tuple[Band, float]]:
    return [(band, y + shift) for band, y in placed]


def _ribbon(band: Band, x0: float, y0: float, x1: float, y1: float, thick: float) -> Ribbon:
    half = (x0 + x1) / 2
    top = f"M{x0:.1f} {y0:.1f}C{half:.1f} {y0:.1f} {half:.1f} {y1:.1f} {x1:.1f} {y1:.1f}"
    low0, low1 = y0 + thick, y1 + thick
    back = f"C{half:.1f} {low1:.1f} {half:.1f} {low0:.1f} {x0:.1f} {low0:.1f}"
    bottom = f"M{x1:.1f} {low1:.1f}{back}"
    return Ribbon(f"{top}L{x1:.1f} {low1:.1f}{back}Z", top, bottom, _fill(band), band.manner)


def _colour(band: Band) -> str:
    neutral = {"grid": "var(--grid)", "loss": "var(--third)", "gap": "var(--third)"}
    return neutral.get(band.manner, f"var(--{band.carrier}, var(--unknown))")


def _fill(band: Band) -> str:
    """Return the band's own carrier: what turns into computing still flows there as electricity."""
    if band.carrier == "compute":
        return "var(--electricity)"
    return _colour(band)


def _node_label(flow: Flow, x: float, y: float, write: Write) -> list[Label]:
    words = say("used", amount=write(flow.used).full(flow.used))
    return [Label(x + _BAR / 2, y, words, "value", "middle")]


def _source_label(
    band: Band, flow: Flow, x: float, y: float, frame: Frame, write: Write
) -> list[Label]:
    number = write(*(b.mwh for b in flow.sources)).number(band.mwh)
    if frame.narrow:
        cut = _cut(band.label, frame.left - 10)
        return [
            Label(x, y - 3, cut, "name", "end", band.label, band.key),
            Label(x, y + 12, number, "value", "end"),
        ]
    cut = _cut(band.label, frame.left - 62)
    return [
        Label(x - 54, y + 4, cut, "name", "end", band.label, band.key),
        Label(x, y + 4, number, "value", "end"),
    ]


def _use_label(
    band: Band, flow: Flow, x: float, y: float, frame: Frame, write: Write
) -> list[Label]:
    number = write(*(b.mwh for b in flow.uses)).number(band.mwh)
    if frame.narrow:
        cut = _cut(band.label, frame.right - 14)
        return [
            Label(x, y - 3, cut, "name", name=band.label, key=band.key),
            Label(x, y + 12, number, "value"),
        ]
    share = percent().full(band.mwh / flow.used) if flow.used > 0 else None
    found = [
        Label(x, y + 4, _cut(band.label, frame.right - 130), "name", name=band.label, key=band.key),
        Label(frame.width - 64, y + 4, number, "value", "end"),
    ]
    if share is not None and band.manner != "export":
        found.append(Label(frame.width, y + 4, share, "share", "end"))
    return found


def _cut(text: Text, room: float) -> Text:
    """Return the text shortened to about `room` [px] at 13 px letters."""
    return Text(*(_shortened(side, room) for side in text))


def _shortened(words: str, room: float) -> str:
    wide = 0.0
    for index, letter in enumerate(words):
        wide += 13.0 if ord(letter) > 0x2E80 else 6.3  # noqa: PLR2004 - where Chinese begins
        if wide > room:
            return words[: max(1, index - 1)].rstrip() + "…"
    return words


def _summary(flow: Flow, write: Write) -> Text:
    def listed(bands: tuple[Band, ...], side: int) -> str:
        written = write(*(b.mwh for b in bands))
        each = [f"{band.label[side]} {written.full(band.mwh)[side]}" for band in bands]
        return (", ", "、")[side].join(each)

    sources = Text(listed(flow.sources, 0), listed(flow.sources, 1))
    return say(
        "flow_summary", sources=sources, uses=Text(listed(flow.uses, 0), listed(flow.uses, 1))
    )
