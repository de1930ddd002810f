"""Ports for programs that must be told one: they cannot be given 0, or keep theirs over a restart.

As a program it prints one, for a shell.
"""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

LEAST = 10_000
GIVEN = Path("/proc/sys/net/ipv4/ip_local_port_range")
_reserved: list[socket.socket] = []


def own_port() -> int:
    """A port of the loopback address that is this process's as long as that lives.

    The system gives it to nobody: it lies outside the range of which clients get theirs, and those
    who ask for port 0. So nobody can have it between here and the program that is to listen there.
    Of those who ask here each has its own.
    """
    low, high = map(int, GIVEN.read_text().split())
    ports = [port for port in range(LEAST, 65_536) if not low <= port <= high]
    ports = ports or list(range(LEAST, 65_536))
    start = os.getpid() * 16 % len(ports)
    for port in ports[start:] + ports[:start]:
        if _is_reserved(port):
            return port
    raise OSError(errno.EADDRINUSE, "every port is taken")


def _is_reserved(port: int) -> bool:
    # By an abstract name: of this network only, as ports are, and gone with its process.
    name = socket.socket(socket.AF_UNIX)
    try:
        name.bind(f"\0matrix-devices-port-{port}")
        with socket.socket() as probe:  # nor does a connection of before linger there
            probe.bind(("127.0.0.1", port))
    except OSError as error:
        name.close()
        if error.errno != errno.EADDRINUSE:
            raise
        return False
    _reserved.append(name)
    return True


if __name__ == "__main__":
    print(own_port())
