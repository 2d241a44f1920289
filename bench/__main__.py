"""`python -m bench [CASE ...]`: measure, write the page of benchmarks, hold the kept bounds."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from bench import cases, commands, fleet, gateway, park_day, proof, report, store
from bench.findings import Findings
from bench.process import ROOT, is_installed, python_of

CASES: dict[str, Callable[[cases.Effort], Findings]] = {
    "day": cases.day,
    "loop": cases.loop,
    "scenarios": cases.scenarios,
    "fleet": fleet.fleet,
    "command": commands.command,
    "nanchuan": park_day.nanchuan,
    "year": commands.year,
    "proof": proof.proof,
    "store": store.store,
    "gateway": gateway.gateway,
}
BOUNDS = Path(__file__).with_name("bounds.json")


def main() -> int:
    """Run the cases; return 0 where every kept bound holds, 1 where one does not."""
    ask = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    ask.add_argument("case", nargs="*", help=f"of {', '.join(CASES)}; all where none is named")
    ask.add_argument("--smoke", action="store_true", help="tiny sizes, no peers, nothing written")
    ask.add_argument("--keep", action="store_true", help="keep this run's ratios as the bounds")
    given = ask.parse_args()
    if unknown := [name for name in given.case if name not in CASES]:
        ask.error(f"no case {', '.join(unknown)}; there are {', '.join(CASES)}")
    effort = cases.SMOKE if given.smoke else cases.Effort()
    found, folder = Findings(), ROOT / "docs" / "reference"
    kept, peers = report.read(folder), _peers() if not given.smoke else {}
    for name in given.case or CASES:
        case = CASES[name](effort)
        found.add(case)
        kept[name] = report.measured_now(case, peers)
    if given.smoke:
        print("bench: every case ran, and all optima agree")
        return 0
    report.write(folder, {name: kept[name] for name in CASES if name in kept})
    if given.keep:
        report.keep_bounds(BOUNDS, found)
    worse = report.worse_than_bounds(BOUNDS, found)
    for sentence in worse:
        print(f"bench: worse than kept: {sentence}")
    return 1 if worse else 0


def _peers() -> dict[str, str]:
    """Return the version of each peer that was there."""
    found = {}
    for tool in ("linopy", "PyPSA", "oemof.solph", "flixopt"):
        if is_installed(tool):
            words = f"import importlib.metadata as m; print(m.version({tool!r}))"
            command = [str(python_of(tool)), "-c", words]
            done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
            found[tool] = done.stdout.strip()
    return found


if __name__ == "__main__":
    sys.exit(main())
