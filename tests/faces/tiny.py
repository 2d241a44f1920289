"""A tiny park for what a command says of it, and the command itself as a process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(sys.executable).with_name("zeropark")
TINY = """\
name: tiny
place: {latitude: 36.6 deg, longitude: 101.8 deg, altitude: 2260 m, zone: Asia/Shanghai}
nodes:
  - {name: bus, carrier: electricity}
tariffs:
  - name: simple
    energy:
      - {from: 2026-01-01, bands: [{name: all, hours: [0-24], price: 0.4 CNY/kWh}]}
assets:
  - {kind: grid_tie, name: tie, node: bus, import_max: 5 MW, tariff: simple}
"""
BATTERY = "  - {kind: battery, name: bat, node: bus, p_nom: 1 MW, e_nom: 2 MWh}\n"


def told(*words: str, lang: str = "en", command: str = "plan") -> subprocess.CompletedProcess[str]:
    """Run `zeropark plan`, or another command, with `words` in a language."""
    return subprocess.run(
        [str(PROGRAM), command, *words],
        capture_output=True,
        text=True,
        env={**os.environ, "ZEROPARK_LANG": lang},
        check=False,
    )


def written(folder: Path, park: str) -> Path:
    """Write a park file and return where."""
    path = folder / "park.yaml"
    path.write_text(park, encoding="utf-8")
    return path
