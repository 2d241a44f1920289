"""A thread that does one thing over and over when it is asked to, beside the cycle."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Clerk:
    """Does `work` each time it is asked; asked while it works, it works once more.

    What it fails of is told in `failed` and tried again at the next asking. threaded: False works
    at once, for a test.
    """

    def __init__(self, name: str, work: Callable[[], None], *, threaded: bool = True) -> None:
        self._work = work
        self._threaded = threaded
        self._some = threading.Condition()
        self._asked = self._closing = False
        self.failed = ""
        self._thread: threading.Thread | None = None
        if threaded:
            self._thread = threading.Thread(target=self._work_on, name=name, daemon=True)
            self._thread.start()

    def ask(self) -> None:
        """Have the work done soon."""
        with self._some:
            self._asked = True
            self._some.notify_all()
        if not self._threaded:
            self._once()

    def _work_on(self) -> None:
        while True:
            with self._some:
                self._some.wait_for(lambda: self._asked or self._closing)
                if self._closing:
                    return
                self._asked = False
            self._once()

    def _once(self) -> None:
        try:
            self._work()
        except Exception as error:  # noqa: BLE001 - a full disk or a lost database: tried again
            self.failed = f"{type(error).__name__}: {error}"
        else:
            self.failed = ""

    def close(self) -> None:
        """End after what is being done."""
        with self._some:
            self._closing = True
            self._some.notify_all()
        if self._thread is not None:
            self._thread.join()
