"""A run with every kind of verdict, as the report gets it."""

from __future__ import annotations

from datetime import UTC, datetime

from matrix_device_conformance.report import Run
from matrix_device_conformance.rows import Row
from matrix_device_conformance.verdicts import (
    KEPT,
    NOT_JUDGED,
    NOT_KEPT,
    OF_NO_ROW,
    OURS,
    SPECIFICATION,
    Exchange,
    Failure,
    PeerBug,
    TestResult,
)

BULK = "https://spec.matrix.org/v1.17/client-server-api/#post_matrixclientv3delete_devices"
ROWS = {
    row.number: row
    for row in (
        Row("D8", '`{"devices": []}`: nothing is deleted', BULK),
        Row("D9", "an ID twice, unknown, of another user: one 200", BULK),
        Row("D10", "20,000 IDs in one request are one operation of the store"),
        Row("A9", "the application service's token | with its user", BULK),
        Row("R6", "`HEAD` where there is a `GET`"),
        Row(OF_NO_ROW, "what known clients send"),
        Row("D1", "one", BULK),
        Row("D2", "two", BULK),
    )
}


def exchange(body: str = '{"session":"q"}', target: str = "/_matrix/client/v3/x") -> Exchange:
    """A request with a token, and its answer."""
    return Exchange(
        method="POST",
        target=target,
        request_headers=[("Authorization", "Bearer syt_YWxpY2U_ApFqXcVbNmKjHgFdSaPo_1AbCdE")],
        request_body='{"devices": [], "auth": {"password": "hunter2 hunter2"}}',
        status=401,
        response_headers=[("Content-Type", "application/json"), ("Set-Cookie", "id=crumbs")],
        response_body=body,
        ms=12,
    )


def tests() -> list[TestResult]:
    """Out of order, as deletions come last."""
    return [
        TestResult(
            "test_D10_many",
            "D10",
            "20,000 IDs",
            NOT_JUDGED,
            "no answer within 60 s to POST /delete_devices",
            60.0,
        ),
        TestResult(
            "test_D9_set",
            "D9",
            "an ID twice",
            KEPT,
            seconds=0.2,
            bases={SPECIFICATION},
            exchanges=[exchange()],
        ),
        TestResult(
            "test_D8_nothing",
            "D8",
            "an empty list deletes nothing",
            NOT_KEPT,
            seconds=0.31,
            bases={SPECIFICATION, OURS},
            failures=[
                Failure("devices left", "{'A', 'B'}", "set()", SPECIFICATION, 1),
                Failure("the challenge", "no completed", '401 {"completed":null}', OURS),
            ],
            exchanges=[exchange(), exchange("{}", "/_matrix/client/v3/" + "long" * 60)],
            peer_bugs=[
                PeerBug("Dendrite", "an empty list is all devices", r"^set\(\)$"),
                PeerBug("Conduit", "500", r"^500"),
            ],
        ),
        TestResult("test_D8_again", "D8", "and again", KEPT, bases={SPECIFICATION}),
        TestResult(
            "test_A9_service",
            "A9",
            "with its user",
            NOT_JUDGED,
            "no application service is given: see --appservice",
        ),
        TestResult("test_A9_sender", "A9", "as its sender", KEPT, bases={SPECIFICATION}),
        TestResult("test_R6_head", "R6", "HEAD", KEPT, bases={OURS}),
        TestResult("test_client_x", OF_NO_ROW, "matrix-nio's", KEPT, bases={SPECIFICATION}),
    ]


def run() -> Run:
    """The run."""
    return Run(
        url="https://matrix.example.org",
        results=tests(),
        rows=ROWS,
        began=datetime(2026, 3, 14, 15, 9, 26, tzinfo=UTC),
        seconds=93.14,
        name="Dendrite",
        version="0.13.8+<b>",
        limits="Logins are limited: 5 at once, then one in 333 s.",
    )
