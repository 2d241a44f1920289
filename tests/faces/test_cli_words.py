"""Words and numbers of the commands: languages, wrapping, precision."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zeropark.faces import locale
from zeropark.faces.cli import numbers
from zeropark.faces.cli.help import cells, wrap
from zeropark.faces.cli.numbers import COUNT, ENERGY, SHARE, Scale
from zeropark.faces.locale import catalogue, gettext, language


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "en"),
        ({"LANG": "C"}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "en_GB.UTF-8"}, "en"),
        ({"LANG": "en_GB.UTF-8", "ZEROPARK_LANG": "zh"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "ZEROPARK_LANG": ""}, "zh"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
    ],
)
def test_the_first_variable_that_is_set_decides_the_language(
    environment: dict[str, str], expected: str
) -> None:
    assert language(environment) == expected


def test_a_catalogue_that_nobody_compiled_is_read_from_its_source(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    source = locale.FOLDER / "zh/LC_MESSAGES/messages.po"
    (tmp_path / "zh/LC_MESSAGES").mkdir(parents=True)
    shutil.copy(source, tmp_path / "zh/LC_MESSAGES/messages.po")
    monkeypatch.setattr(locale, "FOLDER", tmp_path)
    monkeypatch.setenv("ZEROPARK_LANG", "zh")
    catalogue.cache_clear()
    try:
        assert gettext("no reading") == "无读数"
    finally:
        catalogue.cache_clear()


@given(st.text(alphabet="ab ，。中文字", max_size=80), st.integers(20, 60))
def test_wrapping_keeps_every_letter_and_the_width(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    # A word longer than a line, and punctuation that stays with its word, may stand out.
    longest = max((cells(word) for word in text.split()), default=0)
    assert all(cells(line) <= max(width, longest) for line in lines)


def test_a_chinese_line_does_not_begin_with_punctuation() -> None:
    lines = wrap("天数一二三四五六七八九，十", 20)
    assert lines == ["天数一二三四五六七八", "九，十"]


@pytest.mark.parametrize(
    ("value", "places", "signed", "shown"),
    [
        (1234.5, 0, False, "1,234"),
        (-1234.5, 1, False, "−1,234.5"),
        (0.04, 1, True, "0.0"),
        (-0.04, 1, True, "0.0"),
        (0.06, 1, True, "+0.1"),
        (12.0, 0, True, "+12"),
    ],
)
def test_a_number_has_commas_a_true_minus_and_no_sign_at_nought(
    value: float, places: int, signed: bool, shown: str
) -> None:
    assert numbers.number(value, places, signed=signed) == shown


@pytest.mark.parametrize(
    ("values", "places"),
    [
        ([0.4], 2),
        ([0.0], 0),
        ([9.99], 1),
        ([10.0], 1),
        ([99.9, 0.1], 1),
        ([100.0, 0.1], 0),
        ([None, 3.0], 1),
        ([None], 0),
    ],
)
def test_the_largest_number_of_a_row_decides_its_precision(
    values: list[float | None], places: int
) -> None:
    assert numbers.decimals(values, ENERGY) == places


def test_what_nobody_measured_is_no_reading_and_no_nought(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZEROPARK_LANG", "en")
    assert numbers.row([None, 0.0], COUNT) == ["no reading", "0"]
    assert numbers.difference(None, 1.0, COUNT, 0) == "no reading"


@given(
    st.floats(-1e6, 1e6),
    st.floats(-1e6, 1e6),
    st.sampled_from([ENERGY, SHARE, COUNT, Scale("kW", 1000.0, (0, 0, 0, 0))]),
)
def test_a_difference_is_that_of_the_two_figures_shown(
    ours: float, theirs: float, scale: Scale
) -> None:
    places = numbers.decimals([ours, theirs], scale)
    shown = [
        float(text.replace(",", "").replace("−", "-"))
        for text in (
            numbers.number(ours * scale.factor, places),
            numbers.number(theirs * scale.factor, places),
            numbers.difference(ours, theirs, scale, places),
        )
    ]
    assert shown[0] - shown[1] == pytest.approx(shown[2], abs=10.0 ** -(places + 1))


@pytest.mark.parametrize(
    ("lang", "small", "large"),
    [("en", "CNY 6,720", "CNY 3,660.0 k"), ("zh", "6,720 元", "366.0 万元")],
)
def test_large_sums_are_counted_as_each_language_does(
    lang: str, small: str, large: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZEROPARK_LANG", lang)
    assert numbers.money(6720.0, numbers.money_scale([6720.0])) == small
    assert numbers.money(3.66e6, numbers.money_scale([3.66e6])) == large


@pytest.mark.parametrize(
    ("lang", "shown"), [("en", "Wed 15 April 2026"), ("zh", "2026 年 4 月 15 日 周三")]
)
def test_a_day_is_written_with_its_weekday(
    lang: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZEROPARK_LANG", lang)
    assert numbers.day("2026-04-15") == shown


def test_power_below_a_megawatt_is_written_in_kilowatts() -> None:
    assert numbers.power_scale([0.999, None]).unit == "kW"
    assert numbers.power_scale([0.999, 1.0]).unit == "MW"
