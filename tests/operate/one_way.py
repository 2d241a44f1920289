"""A wire between a client and a server that a test can cut, also in one direction alone."""

from __future__ import annotations

import contextlib
import select
import socket
import threading


class Proxy:
    """Passes bytes on to `port` of this machine. lets_up, lets_down: whether they pass, each way.

    What does not pass is swallowed: both ends' kernels see a healthy connection.
    """

    def __init__(self, port: int) -> None:
        self._to = port
        self.lets_up = self.lets_down = True
        self._ended = threading.Event()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while not self._ended.is_set():
                client, _ = self._server.accept()
                threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        with (
            contextlib.suppress(OSError),
            client,
            socket.create_connection(("127.0.0.1", self._to)) as server,
        ):
            while not self._ended.is_set():
                for each in select.select([client, server], [], [], 0.2)[0]:
                    said = each.recv(65536)
                    if not said:
                        return
                    up = each is client
                    if self.lets_up if up else self.lets_down:
                        (server if up else client).sendall(said)

    def close(self) -> None:
        """Let go of every wire."""
        self._ended.set()
        self._server.close()
