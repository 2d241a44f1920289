"""The units that the documents name are units."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs/how-to/run-operate-as-a-service.md"
UNIT = re.compile(r"```ini\n# (\S+\.service)\n(.*?)```", re.DOTALL)


@pytest.mark.stores
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
def test_systemd_finds_nothing_wrong_with_the_units_of_the_page(tmp_path: Path) -> None:
    units = UNIT.findall(PAGE.read_text(encoding="utf-8"))
    assert [name for name, _ in units] == ["zeropark-operate.service", "zeropark-watchdog.service"]
    program = Path(sys.executable).with_name("zeropark")
    for name, text in units:
        (tmp_path / name).write_text(text.replace("ExecStart=zeropark", f"ExecStart={program}"))
    files = [str(tmp_path / name) for name, _ in units]
    command = ["systemd-analyze", "verify", "--man=no", *files]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr.strip()) == (0, "")
