"""Starts a tool in a process of its own, in its own environment, and reads what it measured."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.planned import Round
from bench.shapes import Size

ROOT = Path(__file__).resolve().parent.parent
# flixopt needs an older pandas than PyPSA, so it has an environment of its own.
ENVIRONMENTS = {"linopy": ".venv-bench", "PyPSA": ".venv-bench", "oemof.solph": ".venv-bench"}
ENVIRONMENTS |= {"linopy, file": ".venv-bench", "PyPSA, file": ".venv-bench"}
ENVIRONMENTS |= {"flixopt": ".venv-bench-flixopt"}
# One thread each, as a planner beside other work has; OpenBLAS would start one more that spins.
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Ran:
    """A process: its rounds, the time to import the tool [s] and the most memory it held [MB]."""

    rounds: list[Round]
    imported: float
    memory_mb: float


def is_installed(tool: str) -> bool:
    """Return whether the environment of `tool` is there."""
    return python_of(tool).exists()


def python_of(tool: str) -> Path:
    """Return the Python that has `tool`."""
    return ROOT / ENVIRONMENTS.get(tool, ".venv") / "bin" / "python"


def run(module: str, tool: str, size: Size, *counts: int) -> Ran:
    """Run `python -m module tool size counts...` and return what it printed last."""
    answer = answer_of(python_of(tool), module, tool, size, *counts)
    rounds = [Round(**each) for each in answer["rounds"]]
    return Ran(rounds, answer["import"], answer["memory_mb"])


def run_module(module: str, size: Size) -> dict[str, Any]:
    """Run our own `python -m module size` and return the object it printed last."""
    return answer_of(python_of("zeropark"), module, "", size)


def answer_of(python: Path, module: str, tool: str, size: Size, *counts: int) -> dict[str, Any]:
    """Run a module on a problem in a process of its own, on one thread."""
    words = [tool] if tool else []
    done = subprocess.run(  # noqa: S603 - the command is our own
        [str(python), "-m", module, *words, json.dumps(asdict(size)), *map(str, counts)],
        cwd=ROOT,
        env={**os.environ, **ONE_THREAD},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        message = f"{tool or module} on {size.name} stopped:\n{done.stderr[-2000:]}"
        raise RuntimeError(message)
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer
