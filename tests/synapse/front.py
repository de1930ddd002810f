"""A reverse proxy before the two processes of a Synapse: device endpoints go to the worker."""

from __future__ import annotations

import contextlib
import re
import socket
import threading

from matrix_device_conformance.client import Client

DEVICES = re.compile(rb"\S+ /_matrix/client/[^/]+/(devices|delete_devices)\b")
READ_SIZE = 65536


class Front:
    """Passes bytes through; a connection's first request line says to whom."""

    def __init__(self, main: Client, worker: Client) -> None:
        self.main = main
        self.worker = worker
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def stop(self) -> None:
        """Stop listening."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, downstream: socket.socket) -> None:
        with downstream, contextlib.suppress(OSError):
            start = b""
            while b"\n" not in start:
                received = downstream.recv(READ_SIZE)
                if not received:
                    return
                start += received
            chosen = self.worker if DEVICES.match(start) else self.main
            with socket.create_connection((chosen.host, chosen.port or 0)) as upstream:
                upstream.sendall(start)
                back = threading.Thread(target=_pass_on, args=(upstream, downstream), daemon=True)
                back.start()
                _pass_on(downstream, upstream)
                back.join()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while received := source.recv(READ_SIZE):
            target.sendall(received)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
