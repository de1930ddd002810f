"""Sends requests on one connection, one after the other."""

from __future__ import annotations

import http.client
import itertools
import json

NUMBERS = itertools.count(1)


def send(port: int, token: str, request: str, count: int) -> None:
    """So many; each is answered 200 before the next goes out."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Authorization": f"Bearer {token}"}
    for _ in range(count):
        if request == "list":
            connection.request("GET", "/_matrix/client/v3/devices", headers=headers)
        else:
            body = json.dumps({"display_name": f"Name {next(NUMBERS):06}"})
            path = "/_matrix/client/v3/devices/BENCH0"
            connection.request("PUT", path, body=body, headers=headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise SystemExit(f"{request}: expected 200, got {answer.status}")
    connection.close()
