"""The rows of docs/behaviour.md: what each is about, and where the specification says so."""

from __future__ import annotations

import re
from dataclasses import dataclass

from matrix_device_conformance.verdicts import OF_NO_ROW, OURS, SPECIFICATION

CLIENT_SERVER = "https://spec.matrix.org/v1.17/client-server-api/"
LIST = CLIENT_SERVER + "#get_matrixclientv3devices"
GET = CLIENT_SERVER + "#get_matrixclientv3devicesdeviceid"
BULK = CLIENT_SERVER + "#post_matrixclientv3delete_devices"
VERSIONS = "https://spec.matrix.org/v1.17/#specification-versions"
CORS = CLIENT_SERVER + "#web-browser-clients"
ERRORS = "https://spec.matrix.org/v1.18/client-server-api/#common-error-codes"
STANDARDS = CLIENT_SERVER + "#api-standards"
TOKENS = CLIENT_SERVER + "#using-access-tokens"
SOFT_LOGOUT = CLIENT_SERVER + "#soft-logout"
LOCKING = CLIENT_SERVER + "#account-locking"
SUSPENSION = CLIENT_SERVER + "#account-suspension"
GUESTS = CLIENT_SERVER + "#guest-access"
ASSERTION = "https://spec.matrix.org/v1.17/application-service-api/#identity-assertion"
PUT = CLIENT_SERVER + "#put_matrixclientv3devicesdeviceid"
DELETE = CLIENT_SERVER + "#delete_matrixclientv3devicesdeviceid"
SERVICE_DEVICES = "https://spec.matrix.org/v1.17/application-service-api/#device-management"
TOKENS_AND_DEVICES = CLIENT_SERVER + "#relationship-between-access-tokens-and-devices"
UIA = CLIENT_SERVER + "#user-interactive-authentication-api"
FALLBACK = CLIENT_SERVER + "#fallback"
PASSWORD = CLIENT_SERVER + "#password-based"
RATE_LIMITS = CLIENT_SERVER + "#rate-limiting"

FAULT = "takes a fault inside the homeserver"
OF_A_TEST = re.compile(r"test_([A-Z]\d+[a-z]?)_")


@dataclass(frozen=True)
class Row:
    """What a row is about."""

    number: str
    title: str
    section: str | None = None  # of the specification, as a URL; None: this project decides
    inside: str = ""  # why no test can look at it from outside, where that is so

    @property
    def basis(self) -> str:
        """Of a check that says nothing else."""
        return OURS if self.section is None else SPECIFICATION


_ALL = (
    Row("R1", "GET of the list", LIST),
    Row("R2", "GET, PUT and DELETE of one device", GET),
    Row("R3", "POST of a bulk deletion", BULK),
    Row("R4", "The versions in the path", VERSIONS),
    Row("R5", "OPTIONS: the CORS headers, without authentication", CORS),
    Row("R6", "HEAD is GET without the body"),
    Row("R7", "Another method is 405 M_UNRECOGNIZED", ERRORS),
    Row("R8", "Another path is 404 M_UNRECOGNIZED", ERRORS),
    Row("R9", "The device ID in the path is decoded once"),
    Row("R10", "A device ID that no device can have"),
    Row("R11", "Broken or repeated query parameters"),
    Row("R12", "The headers of every answer", STANDARDS),
    Row("R13", "The absolute form of a target"),
    Row("A1", "Authorization: Bearer, the scheme in any case", TOKENS),
    Row("A2", "The token in the query", TOKENS),
    Row("A3", "No token is 401 M_MISSING_TOKEN", TOKENS),
    Row("A4", "An unknown token is 401 M_UNKNOWN_TOKEN", TOKENS),
    Row("A4a", "A token that a refresh replaced is a soft logout", SOFT_LOGOUT),
    Row("A5", "An expired token is a soft logout", SOFT_LOGOUT),
    Row("A6", "A locked account is 401 M_USER_LOCKED", LOCKING),
    Row("A7", "A suspended account goes on with its devices", SUSPENSION),
    Row("A8", "A guest reads and renames, and deletes nothing", GUESTS),
    Row("A9", "An application service acts as its sender", ASSERTION),
    Row("A10", "An application service acts as a user of its namespace", ASSERTION),
    Row("A11", "An application service outside its namespace is 403 M_FORBIDDEN", ASSERTION),
    Row("A12", "An application service acts as a device", ASSERTION),
    Row("A13", "An application service on an unknown device is 400 M_UNKNOWN_DEVICE", ASSERTION),
    Row("A14", "org.matrix.msc3202.device_id means device_id"),
    Row("A15", "user_id and device_id mean nothing with a user's token", ASSERTION),
    Row("A16", "The homeserver's own refusal is passed on"),
    Row("G1", "The list, also an empty one", LIST),
    Row("G2", "Of a device only what is known", GET),
    Row("G3", "The order of the list stays"),
    Row("G4", "A long list is whole"),
    Row("G5", "An unknown device is 404 M_NOT_FOUND", GET),
    Row("G6", "A device of somebody else is as an unknown one", GET),
    Row("P1", "A user renames a device", PUT),
    Row("P2", "Without a name the name stays", PUT),
    Row("P3", "An empty name is a name"),
    Row("P4", "A user's PUT to an unknown device is 404 M_NOT_FOUND", PUT),
    Row("P5", "An application service's PUT creates a device", PUT),
    Row("P6", "Creation is limited", PUT),
    Row("P7", "The number of a user's devices is limited", ERRORS),
    Row("P8", "A device that can't be is not created"),
    Row("P9", "A name over 100 code points is 400 M_TOO_LARGE", ERRORS),
    Row("P10", "A body that is not such an object is 400", ERRORS),
    Row("P11", "Unknown keys are ignored", PUT),
    Row("P12", "A rename changes the name and nothing else", PUT),
    Row("P13", "A name with U+0000 is 400 M_INVALID_PARAM"),
    Row("D1", "A deletion takes User-Interactive Authentication", DELETE),
    Row("D2", "An application service deletes without it", SERVICE_DEVICES),
    Row("D3", "A token of the OAuth 2.0 API deletes nothing", DELETE),
    Row("D4", "DELETE of a device that is not there is 200", DELETE),
    Row("D5", "DELETE without a body is as with {}"),
    Row("D6", "DELETE with a body that is no object is 400", ERRORS),
    Row("D7", "A bulk deletion without a list is 400", BULK),
    Row("D8", "An empty list deletes nothing"),
    Row("D9", "Repeated, unknown and others' IDs in a list", BULK),
    Row("D10", "A long list is all or nothing"),
    Row("D11", "The device whose token this is", DELETE),
    Row("D12", "What goes with a device", TOKENS_AND_DEVICES),
    Row("D13", "The same deletion once more", DELETE),
    Row("U1", "The challenge", UIA),
    Row("U2", "null is as absent"),
    Row("U3", "Credentials without a session", UIA),
    Row("U4", "A wrong password", UIA),
    Row("U4a", "Credentials that lack something are 400 M_BAD_JSON"),
    Row("U5", "One stage of several", UIA),
    Row("U6", "Right credentials of somebody else"),
    Row("U6a", "A flow proves who it is"),
    Row("U7", "The session alone: its state", FALLBACK),
    Row("U8", "auth alone: the body that was stored", UIA),
    Row("U9", "An unknown session is a new challenge"),
    Row("U10", "A session of another user or device"),
    Row("U11", "A session that was begun for something else", UIA),
    Row("U12", "A lenient session: another body until it is complete"),
    Row("U13", "A finished session once more"),
    Row("U14", "Stages out of order, or of no flow", UIA),
    Row("U15", "A stage that is complete is not tried again"),
    Row("U16", "The flows come in the same order"),
    Row("U17", "A user who could complete no flow"),
    Row("U18", "auth of a wrong type is 400 M_BAD_JSON", UIA),
    Row("U19", "user beside password, as of old", PASSWORD),
    Row("U20", "How long a session lives"),
    Row("U21", "A session's ID can't be guessed", UIA),
    Row("U22", "The challenge is skipped within the grace period only"),
    Row("U23", "Wrong passwords are limited", RATE_LIMITS),
    Row("U24", "A 401 on the way never logs the client out", UIA),
    Row("U25", "Challenges and live sessions are limited"),
    Row("U26", "Two requests with one session at the same time"),
    Row("U27", "Repeats of a finished session are limited"),
    Row("F1", "The fallback page", FALLBACK),
    Row("F2", "No fallback page for a session that is not waiting"),
    Row("F3", "The fallback page's form", FALLBACK),
    Row("L1", "429 says how long to wait", RATE_LIMITS),
    Row("L2", "A body over 1 MiB is 413 M_TOO_LARGE", ERRORS),
    Row("L3", "JSON that is too deep or too wide is 400 M_BAD_JSON"),
    Row("L4", "The limiter's memory is bounded", inside="memory is not to be seen over HTTP"),
    Row(
        "L5",
        "Several processes share the counters",
        inside="processes are not to be told apart over HTTP",
    ),
    Row(
        "L6",
        "Work before authentication is bounded",
        inside="takes slower connections than a test may be",
    ),
    Row("H1", "What the homeserver stands on is unavailable", inside=FAULT),
    Row("H2", "What the homeserver stands on timed out", inside=FAULT),
    Row("H3", "What the homeserver stands on is broken", inside=FAULT),
    Row("H4", "Out of memory", inside=FAULT),
    Row("H5", "A failure leaves nothing half done", inside=FAULT),
    Row("H6", "Credentials that could not be checked", inside=FAULT),
    Row(OF_NO_ROW, "What known clients send", CLIENT_SERVER),
)
ROWS = {row.number: row for row in _ALL}


def row_of(name: str) -> Row:
    """The row that a test is for: `test_P4_…` is for P4, `test_client_…` for no row of its own."""
    found = OF_A_TEST.match(name)
    return ROWS[found[1] if found else OF_NO_ROW]
