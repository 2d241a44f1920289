"""The folder of a result appears whole or not at all."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from zeropark.faces.cli.folder import result_folder
from zeropark.faces.cli.refused import Refused


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZEROPARK_LANG", "en")


def write(place: Path, words: str = "{}", then: BaseException | None = None) -> None:
    """Write a result of one file; `then` ends it before it is whole."""
    with result_folder(place) as folder:
        (folder / "run.json").write_text(words)
        if then is not None:
            raise then


def refusal(place: Path) -> str:
    """Return the sentence with which a result at `place` is refused."""
    with pytest.raises(Refused) as refused:
        write(place)
    return str(refused.value)


def test_a_result_takes_its_place_when_whole(tmp_path: Path) -> None:
    place = tmp_path / "deep" / "out"
    with result_folder(place) as folder:
        (folder / "run.json").write_text("{}")
        assert not place.exists()
    assert [entry.name for entry in place.iterdir()] == ["run.json"]
    assert [entry.name for entry in place.parent.iterdir()] == ["out"]


def test_an_earlier_result_is_replaced(tmp_path: Path) -> None:
    write(tmp_path / "out", "old")
    (tmp_path / "out" / "report.html").write_text("old")
    write(tmp_path / "out", "new")
    assert [entry.name for entry in (tmp_path / "out").iterdir()] == ["run.json"]
    assert (tmp_path / "out" / "run.json").read_text() == "new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    write(tmp_path / "out")
    assert (tmp_path / "out" / "run.json").exists()


def test_what_no_run_wrote_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("mine")
    assert refusal(tmp_path / "out") == (
        f"{tmp_path}/out: holds 'notes.txt', which no run wrote. Choose another folder or move it."
    )
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    sentence = "a file stands where a folder is needed. Choose another path."
    assert refusal(tmp_path / "out") == f"{tmp_path}/out: {sentence}"
    assert refusal(tmp_path / "out" / "in") == f"{tmp_path}/out/in: {sentence}"
    assert (tmp_path / "out").read_text() == "mine"


def test_an_interrupt_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "out", then=KeyboardInterrupt())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "the disk is full. Nothing was written; make room or write elsewhere."),
        (errno.EFBIG, "the disk is full. Nothing was written; make room or write elsewhere."),
        (errno.EACCES, "may not be read or written. Choose a place you may use."),
        (errno.EROFS, "may not be read or written. Choose a place you may use."),
        (errno.EIO, "the disk refused (Input/output error)."),
    ],
)
def test_what_the_disk_refuses_is_a_sentence_and_the_old_result_stays(
    number: int, sentence: str, tmp_path: Path
) -> None:
    place = tmp_path / "out"
    write(place, "old")
    with pytest.raises(Refused) as refused:
        write(place, then=OSError(number, os.strerror(number)))
    assert str(refused.value) == f"{place}: {sentence}"
    assert (place / "run.json").read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]


def test_a_missing_file_is_named_itself_and_not_the_folder(tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused, result_folder(tmp_path / "out"):
        (tmp_path / "series.csv").read_text()
    assert str(refused.value) == f"{tmp_path}/series.csv: does not exist. Check the path."


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 64 KiB; only root may."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)],  # noqa: S607 - of the path
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("only root may mount a small disk; the errors themselves are tested above")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)  # noqa: S607 - of the path


def test_a_disk_that_is_really_full_is_told(small_disk: Path) -> None:
    with (
        pytest.raises(Refused, match="the disk is full"),
        result_folder(small_disk / "out") as folder,
    ):
        (folder / "series.parquet").write_bytes(b"0" * 100_000)
    assert not list(small_disk.iterdir())


def test_a_disk_that_may_only_be_read_is_told(small_disk: Path) -> None:
    command = ["mount", "-o", "remount,ro", str(small_disk)]
    subprocess.run(command, check=True)
    assert refusal(small_disk / "out") == (
        f"{small_disk}/out: may not be read or written. Choose a place you may use."
    )
