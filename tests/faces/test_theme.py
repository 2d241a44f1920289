"""The carriers' colours can be told apart, also by eyes that see a primary weakly."""

from __future__ import annotations

import re
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pytest

from zeropark.faces.theme import ALARM, CARRIERS, TOKENS, UNKNOWN, mark, style_sheet

Floats = npt.NDArray[np.float64]

# Machado, Oliveira and Fernandes 2009 (doi:10.1109/TVCG.2009.113), severity 1.0, on linear light.
WEAK = {
    "normal": np.eye(3),
    "protan": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deutan": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritan": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
WHITE = np.array([0.95047, 1.0, 1.08883])
# Worst distance over all pairs: [normal, protan, deutan, tritan], from the bake-off of the palette.
WORST = {"light": [18.1, 11.0, 11.1, 12.0], "dark": [18.3, 13.2, 13.3, 14.3]}


def linear(colour: str) -> Floats:
    """Return the linear light of an sRGB colour, (3,)."""
    values = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.asarray(
        np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    )


def lab(light: Floats) -> Floats:
    """Return CIELAB under D65 of linear light, (3,)."""
    ratio = TO_XYZ @ np.clip(light, 0, 1) / WHITE
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def distance(one: Floats, two: Floats) -> float:
    """Return CIEDE2000 [Sharma, Wu and Dalal 2005, doi:10.1002/col.20070] of two CIELAB colours."""
    (l1, a1, b1), (l2, a2, b2) = one, two
    mean_c7 = ((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2) ** 7
    g = 0.5 * (1 - np.sqrt(mean_c7 / (mean_c7 + 25.0**7)))
    c1, c2 = np.hypot(a1 * (1 + g), b1), np.hypot(a2 * (1 + g), b2)
    h1 = np.degrees(np.arctan2(b1, a1 * (1 + g))) % 360
    h2 = np.degrees(np.arctan2(b2, a2 * (1 + g))) % 360
    turn = (h2 - h1 + 180) % 360 - 180 if c1 * c2 else 0.0
    dl, dc, dh = l2 - l1, c2 - c1, 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn) / 2)
    ml, mc = (l1 + l2) / 2, (c1 + c2) / 2
    mh = (h1 + h2 if not c1 * c2 else h1 + turn / 2) % 360
    t = (
        1
        - 0.17 * np.cos(np.radians(mh - 30))
        + 0.24 * np.cos(np.radians(2 * mh))
        + 0.32 * np.cos(np.radians(3 * mh + 6))
        - 0.20 * np.cos(np.radians(4 * mh - 63))
    )
    sl = 1 + 0.015 * (ml - 50) ** 2 / np.sqrt(20 + (ml - 50) ** 2)
    sc, sh = 1 + 0.045 * mc, 1 + 0.015 * mc * t
    spin = 60 * np.exp(-(((mh - 275) / 25) ** 2))
    rt = -2 * np.sqrt(mc**7 / (mc**7 + 25.0**7)) * np.sin(np.radians(spin))
    parts = (dl / sl) ** 2 + (dc / sc) ** 2 + (dh / sh) ** 2 + rt * (dc / sc) * (dh / sh)
    return float(np.sqrt(parts))


def contrast(one: str, two: str) -> float:
    """Return the contrast of two colours [WCAG 2.2]."""
    light = sorted(float(np.array([0.2126, 0.7152, 0.0722]) @ linear(each)) for each in (one, two))
    return (light[1] + 0.05) / (light[0] + 0.05)


def colours(side: str) -> list[str]:
    """Return the carriers' colours and the alarm on one ground."""
    return [getattr(each, side) for each in (*CARRIERS.values(), ALARM)]


def test_the_distance_is_that_of_its_paper() -> None:
    # Pairs 1, 17 and 25 of the paper's table of test data.
    pairs = [
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ]
    for one, two, answer in pairs:
        assert distance(np.array(one), np.array(two)) == pytest.approx(answer, abs=1e-4)


@pytest.mark.parametrize("side", ["light", "dark"])
@pytest.mark.parametrize("eye", WEAK)
def test_no_two_carriers_look_alike(side: str, eye: str) -> None:
    seen = [lab(WEAK[eye] @ linear(colour)) for colour in colours(side)]
    worst = min(distance(one, two) for one, two in combinations(seen, 2))
    assert worst >= WORST[side][list(WEAK).index(eye)] - 0.1


@pytest.mark.parametrize("side", ["light", "dark"])
def test_marks_and_words_stand_out_from_their_surface(side: str) -> None:
    nth = ["light", "dark"].index(side)
    surface = TOKENS["surface"][nth]
    assert min(contrast(colour, surface) for colour in colours(side)) >= 3
    for words in ("ink", "second", "third"):
        assert contrast(TOKENS[words][nth], surface) >= 4.5, words


def test_every_carrier_has_a_letter_of_its_own_and_an_unknown_one_is_grey_with_a_dash() -> None:
    letters = [each.letter for each in CARRIERS.values()]
    assert len(set(letters)) == len(letters)
    assert mark("neutrinos") == UNKNOWN
    assert UNKNOWN.dash


def test_the_style_sheet_holds_each_colour_in_both_lights() -> None:
    sheet = style_sheet()
    for name, each in CARRIERS.items():
        assert re.findall(rf"--{name}:(#\w+)", sheet) == [each.light, each.dark, each.dark]
