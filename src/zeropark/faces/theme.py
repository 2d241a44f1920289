"""Colours of every page: ink on calm ground; a colour is a carrier or an alarm, never decoration.

The carriers' colours keep a CIEDE2000 distance of at least 11 (light) and 13 (dark) from each
other, also to eyes that see red, green or blue weakly, and a contrast of at least 3 on their
surface [WCAG 2.2, 1.4.11]; `tests/faces/test_theme.py` recomputes both. A colour never stands
alone: each carrier has a letter and a dash beside it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mark:
    """How a carrier is drawn: colour on light and dark ground, letter, dash [px on, px off]."""

    light: str
    dark: str
    letter: str
    dash: tuple[int, ...] = ()


CARRIERS: dict[str, Mark] = {
    "electricity": Mark("#A59129", "#E6C675", "E"),
    "heat": Mark("#602106", "#995409", "H", (6, 2)),
    "cooling": Mark("#3E5E97", "#7BA5D3", "C", (2, 2)),
    "gas": Mark("#824158", "#A76F8E", "G", (8, 2, 2, 2)),
    "hydrogen": Mark("#44998C", "#64E9DF", "Y", (4, 4)),
    "compute": Mark("#A372C0", "#6B5BA3", "P", (1, 2)),
    "material": Mark("#6D794B", "#AFB79F", "M", (10, 4)),
}
UNKNOWN = Mark("#66707A", "#7C8894", "?", (3, 5))
ALARM = Mark("#D0021B", "#FF4D4F", "!")

# Role -> (light, dark).
TOKENS: dict[str, tuple[str, str]] = {
    "ground": ("#F4F5F6", "#0E1115"),
    "surface": ("#FFFFFF", "#14181D"),
    "raised": ("#F7F8F9", "#1A1F26"),
    "hairline": ("#E3E6E9", "#242A32"),
    "strong": ("#C5CBD1", "#38414C"),
    "ink": ("#161B20", "#E4E9EE"),
    "second": ("#4A545E", "#A7B1BC"),
    "third": ("#66707A", "#7C8894"),
    "grid": ("#8A949E", "#8C97A3"),
    "trial": ("#2F6BD8", "#8AB4FF"),
    "alarm": (ALARM.light, ALARM.dark),
}


def mark(carrier: str) -> Mark:
    """Return how `carrier` is drawn; an unknown one is grey with a dash of its own."""
    return CARRIERS.get(carrier, UNKNOWN)


def style_sheet() -> str:
    """Return the tokens and carriers as CSS custom properties, light and dark.

    `data-theme` on the root element wins over what the reader's system prefers; paper is light.
    """
    light = _properties(0)
    dark = _properties(1)
    return (
        f":root{{color-scheme:light;{light}}}\n"
        "@media screen and (prefers-color-scheme:dark){"
        f":root:not([data-theme=light]){{color-scheme:dark;{dark}}}}}\n"
        f"@media screen{{:root[data-theme=dark]{{color-scheme:dark;{dark}}}}}\n"
    )


def _properties(side: int) -> str:
    tokens = [f"--{name}:{pair[side]}" for name, pair in TOKENS.items()]
    marks = {**CARRIERS, "unknown": UNKNOWN}
    carriers = [f"--{name}:{(each.light, each.dark)[side]}" for name, each in marks.items()]
    return ";".join([*tokens, *carriers])
