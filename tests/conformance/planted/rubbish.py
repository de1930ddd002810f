"""A homeserver whose answers are of no use: nothing in them is as any client expects."""

from __future__ import annotations

import itertools
from typing import ClassVar

from matrix_device_conformance.client import Response
from planted.bug import COMMON_HEADERS, Bug, Request, Upstream, headers_of

BODIES = (
    b"null",
    b"[]",
    b'"x"',
    b"<html>",
    b"\xff\xfe",
    b"[" * 100_000,
    b"",
    b'{"devices": null, "flows": null, "session": null, "completed": null, "error": null}',
    b'{"devices": 5, "flows": 5, "session": 5, "params": 5, "errcode": 5, "retry_after_ms": "x"}',
    b'{"devices": [null, 5, {"device_id": 7}], "flows": [null, 5, {"stages": 7}, {"stages": [5]}]}',
)
STATUSES = (200, 401, 200, 401, 403, 200, 404)  # as many as no number of bodies is a multiple of


class Rubbish(Bug):
    """Each answer about devices is another nonsense; accounts work, so that tests get that far."""

    name = "rubbish"
    peer = "any"
    is_about_rows: ClassVar[bool] = False

    def __init__(self) -> None:
        self.answers = zip(itertools.cycle(STATUSES), itertools.cycle(BODIES), strict=False)

    def answer(self, request: Request, server: Upstream) -> Response:
        response = server.send(request)
        if not request.endpoint.startswith(("/devices", "/delete_devices")):
            return response
        status, body = next(self.answers)
        return Response(status, headers_of(COMMON_HEADERS), body)
