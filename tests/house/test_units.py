"""The units of systemd in the documents are what systemd takes."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house import repository

BLOCK = re.compile(r"```ini\n# (zeropark-[a-z]+\.service)\n(.*?)```", re.DOTALL)
ANALYSER = shutil.which("systemd-analyze")


def units() -> dict[str, str]:
    """Return the content of each unit that a document shows, by its name."""
    texts = (path.read_text(encoding="utf-8") for path in repository.documents())
    return {name: unit for text in texts for name, unit in BLOCK.findall(text)}


def test_the_documents_show_three_units() -> None:
    assert set(units()) == {
        "zeropark-operate.service", "zeropark-serve.service", "zeropark-watchdog.service",
    }  # fmt: skip


@pytest.mark.skipif(ANALYSER is None, reason="systemd is not installed here")
@pytest.mark.parametrize("name", sorted(units()))
def test_systemd_finds_nothing_wrong_with_a_unit(name: str, tmp_path: Path) -> None:
    program = str(Path(sys.executable).with_name("zeropark"))
    for each, text in units().items():
        written = text.replace("ExecStart=zeropark ", f"ExecStart={program} ")
        assert written != text
        (tmp_path / each).write_text(written, encoding="utf-8")
    assert ANALYSER is not None
    said = subprocess.run(
        [ANALYSER, "verify", "--man=no", str(tmp_path / name)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (said.returncode, said.stdout + said.stderr) == (0, "")
