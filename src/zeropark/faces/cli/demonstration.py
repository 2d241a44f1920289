"""The demonstration park of `zeropark serve`: an `operate` of its own process, kept going."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from zeropark.operate.socket import NAME, listens

_EVERY_S, _LONGEST_S = 1.0, 60.0
_PATIENCE_S = 30.0


class Demonstration:
    """Starts `operate --simulated` on a store where none listens, and again where it has ended.

    It is a process in a session of its own: what becomes of the control room does not touch it.
    store: of the park. words: what it is asked beside the store.
    """

    def __init__(self, store: Path, words: Sequence[str]) -> None:
        self._store, self._words = store, words
        self._process: subprocess.Popen[bytes] | None = None
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="demonstration", daemon=True)

    def start(self) -> None:
        """Have it run, now and from now on."""
        self._store.parent.mkdir(parents=True, exist_ok=True)
        self._thread.start()

    def _keep(self) -> None:
        pause = _EVERY_S
        while not self._ends.is_set():
            ended = self._process is None or self._process.poll() is not None
            if ended and not listens(self._store / NAME):
                # What fails at once is not asked again at once.
                failed = self._process is not None and self._process.returncode != 0
                pause = min(_LONGEST_S, 2.0 * pause) if failed else _EVERY_S
                self._process = self._begin()
            self._ends.wait(pause)

    def _begin(self) -> subprocess.Popen[bytes]:
        program = "from zeropark.faces.cli import main; main()"
        command = [sys.executable, "-c", program, "operate", *self._words]
        command += ["--simulated", "--store", str(self._store)]
        log = self._store.with_name(f"{self._store.name}-operate.log")
        with log.open("ab") as said:
            return subprocess.Popen(  # noqa: S603 - our own program
                command, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                start_new_session=True,
            )  # fmt: skip

    def stop(self) -> None:
        """End what was started here, with its devices led to rest."""
        self._ends.set()
        self._thread.join()
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
