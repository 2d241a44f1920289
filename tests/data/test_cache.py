"""The cache: a changed input never meets an old result, and nothing it does can lose one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from zeropark.data.cache import Arrays, cache_folder, cached, key


class Maker:
    """Counts how often the result had to be made."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> Arrays:
        self.calls += 1
        return {"x": np.arange(3.0), "word": np.array("told")}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ZEROPARK_CACHE", str(tmp_path / "kept"))
    return tmp_path / "kept"


def test_second_call_reads_what_the_first_made(folder: Path) -> None:
    make = Maker()
    first, second = cached(("a", 1), make), cached(("a", 1), make)
    assert make.calls == 1
    np.testing.assert_array_equal(first["x"], second["x"])
    assert str(second["word"]) == "told"
    assert len(list(folder.iterdir())) == 1


def test_changed_file_is_made_anew(folder: Path, tmp_path: Path) -> None:
    make, file = Maker(), tmp_path / "weather.epw"
    file.write_text("first", encoding="utf-8")
    cached((file,), make)
    file.write_text("other", encoding="utf-8")
    cached((file,), make)
    file.write_text("first", encoding="utf-8")
    cached((file,), make)
    assert make.calls == 2
    assert len(list(folder.iterdir())) == 2


def test_same_content_under_another_name_is_the_same_input(tmp_path: Path) -> None:
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    one.write_text("same", encoding="utf-8")
    two.write_text("same", encoding="utf-8")
    assert key(one) == key(two)


def test_changed_code_is_made_anew(folder: Path, tmp_path: Path) -> None:
    make, old, new = Maker(), tmp_path / "old", tmp_path / "new"
    for room, text in ((old, "x = 1"), (new, "x = 2")):
        room.mkdir()
        (room / "code.py").write_text(text, encoding="utf-8")
    cached("a", make, code=(old,))
    cached("a", make, code=(new,))
    assert make.calls == 2
    assert folder.is_dir()


@dataclass(frozen=True)
class _Thing:
    size: float


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0),
        (1, "1"),
        (0.1, 0.2),
        (("ab", "c"), ("a", "bc")),
        (("a",), "a"),
        ({"a": 1}, {"a": 2}),
        ({"a": 1}, {"b": 1}),
        (np.array([1.0, 2.0]), np.array([2.0, 1.0])),
        (np.array([1.0, 2.0]), np.array([[1.0, 2.0]])),
        (np.array([0], dtype=np.int64), np.array([0], dtype=np.float64)),
        (_Thing(1.0), _Thing(2.0)),
        (np.datetime64("2025-01-01"), np.datetime64("2025-01-02")),
        (None, "None"),
    ],
)
def test_different_inputs_have_different_keys(one: object, other: object) -> None:
    assert key(one) != key(other)


def test_order_of_names_does_not_matter() -> None:
    assert key({"a": 1, "b": 2}) == key({"b": 2, "a": 1})


def test_thing_without_a_key_is_refused() -> None:
    with pytest.raises(TypeError, match="no key for a set"):
        key({1, 2})


@pytest.mark.parametrize("damage", [b"", b"not a zip", None])
def test_damaged_file_is_made_anew(folder: Path, damage: bytes | None) -> None:
    make = Maker()
    cached("a", make)
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    again = cached("a", make)
    assert make.calls == 2
    np.testing.assert_array_equal(again["x"], np.arange(3.0))
    assert file.read_bytes() == whole


def test_folder_that_cannot_be_written_costs_time_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "a_file"
    blocked.write_text("", encoding="utf-8")
    monkeypatch.setenv("ZEROPARK_CACHE", str(blocked / "below"))
    make = Maker()
    cached("a", make)
    np.testing.assert_array_equal(cached("a", make)["x"], np.arange(3.0))
    assert make.calls == 2


def test_failed_write_leaves_nothing_behind(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full_disk)
    np.testing.assert_array_equal(cached("a", Maker())["x"], np.arange(3.0))
    assert list(folder.iterdir()) == []


def test_oldest_files_go_when_there_are_too_many(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zeropark.data.cache._MOST_FILES", 2)
    for number in range(4):
        cached(number, Maker())
    assert len(list(folder.glob("*.npz"))) == 2


def test_folder_is_the_homes_unless_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("ZEROPARK_CACHE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "zeropark"
