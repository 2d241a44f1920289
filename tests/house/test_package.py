"""The wheel holds what a user without npm, Node or this repository needs."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.house import repository


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Build the wheel and return the names in it."""
    made: Path = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(made)],
        cwd=repository.ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = made.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if archive.getinfo(name).file_size}


def test_the_wheel_holds_every_file_of_the_package(packed: set[str]) -> None:
    source = [p for p in repository.files() if repository.name(p).startswith("src/zeropark/")]
    wanted = {repository.name(path).removeprefix("src/") for path in source if path.stat().st_size}
    assert wanted
    assert not wanted - packed


def test_the_wheel_holds_the_example_parks(packed: set[str]) -> None:
    parks = [repository.name(p) for p in repository.files() if repository.name(p)[:6] == "parks/"]
    assert parks
    assert not {f"zeropark/{name}" for name in parks} - packed


def test_the_wheel_holds_the_charts_the_letters_and_their_licences(packed: set[str]) -> None:
    vendored = {Path(name).name for name in packed if name.startswith("zeropark/faces/vendor/")}
    assert {"echarts.min.js", "echarts.LICENSE", "echarts.NOTICE"} <= vendored
    assert {"inter-latin.woff2", "inter.LICENSE"} <= vendored


def test_the_wheel_holds_each_catalogue_compiled(packed: set[str]) -> None:
    written = {name.removesuffix(".po") for name in packed if name.endswith(".po")}
    compiled = {name.removesuffix(".mo") for name in packed if name.endswith(".mo")}
    assert written == compiled
    assert any("/zh/" in name for name in compiled)


def test_the_wheel_says_its_licence_and_its_command(packed: set[str]) -> None:
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in packed)
    assert any(name.endswith(".dist-info/entry_points.txt") for name in packed)
