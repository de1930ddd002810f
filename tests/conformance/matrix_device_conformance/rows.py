"""What a row expects, what came, and the table of both."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from matrix_device_conformance.client import Response

ROW = re.compile(r"test_([A-Z]\d+[a-z]?)_")
CHALLENGE = {"flows", "params", "session"}
REFUSAL = CHALLENGE | {"errcode", "error", "completed"}


def row_of(name: str) -> str:
    """The row that a test is for: `test_P4_…` is for P4, `test_client_…` for no row of its own."""
    found = ROW.match(name)
    return found[1] if found else "–"


def shown(value: Any) -> str:
    """A value for the table and for a failure."""
    return value if isinstance(value, str) else repr(value)


@dataclass
class Result:
    """One line of the table."""

    row: str
    title: str
    expected: str
    got: str
    result: str
    peer_bug: str
    test: str


@dataclass
class Check:
    """Compares answers with a row, and keeps what was expected and what came."""

    secrets: set[str]
    passed: list[tuple[str, str]] = field(default_factory=list)
    failed: tuple[str, str] | None = None

    def that(self, what: str, holds: bool, expected: Any, got: Any) -> None:
        """The comparison that all others come down to."""
        if not holds:
            self.failed = (f"{what}: {shown(expected)}", f"{what}: {shown(got)}")
            raise AssertionError(f"{what}\n  expected: {shown(expected)}\n  got:      {shown(got)}")
        self.passed.append((shown(expected), shown(got)))

    def equal(self, what: str, got: Any, expected: Any) -> None:
        """`got` is `expected`."""
        self.that(what, got == expected, expected, got)

    def keys(self, what: str, answer: Response, expected: set[str]) -> None:
        """The body is an object with exactly these members."""
        body = answer.json
        got = sorted(body) if isinstance(body, dict) else str(answer)
        self.equal(f"{what}: members", got, sorted(expected))

    def ok(self, what: str, answer: Response, status: int = 200, body: Any = None) -> None:
        """Success with this status and, unless None, this body."""
        expected = str(status) if body is None else f"{status} {json.dumps(body)}"
        holds = answer.status == status and (body is None or answer.json == body)
        self.that(what, holds, expected, str(answer))

    def error(self, what: str, answer: Response, status: int, errcode: str) -> None:
        """A standard error: errcode, a text, and no secret in it."""
        holds = answer.status == status and answer.errcode == errcode
        self.that(what, holds, f"{status} {errcode}", str(answer))
        text = answer.json.get("error")
        self.that(f"{what}: error", isinstance(text, str) and text != "", "a text", text)
        self.no_secret(what, answer)

    def no_secret(self, what: str, answer: Response) -> None:
        """The answer quotes no access token and no password."""
        raw = answer.raw.decode(errors="replace")
        holds = not any(secret in raw for secret in self.secrets)
        self.that(f"{what}: secrets", holds, "no token or password is quoted", str(answer))

    def challenge(self, what: str, answer: Response) -> str:
        """U1. The session."""
        self.that(what, answer.status == 401, "401 with flows, params, session", str(answer))
        self.keys(what, answer, CHALLENGE)
        return self._session(what, answer)

    def state(self, what: str, answer: Response, completed: list[str]) -> str:
        """U7: the state of a session, without an errcode."""
        self.that(what, answer.status == 401, f"401, completed {completed}", str(answer))
        self.keys(what, answer, CHALLENGE | {"completed"})
        self.equal(f"{what}: completed", answer.json["completed"], completed)
        return self._session(what, answer)

    def refusal(self, what: str, answer: Response) -> str:
        """U4: a stage that was not passed."""
        self.error(what, answer, 401, "M_FORBIDDEN")
        self.keys(what, answer, REFUSAL)
        self.equal(f"{what}: completed", answer.json["completed"], [])
        return self._session(what, answer)

    def fresh_challenge(self, what: str, answer: Response, old_session: str) -> str:
        """U9: a new session in the place of one that is not known."""
        self.error(what, answer, 401, "M_FORBIDDEN")
        self.keys(what, answer, CHALLENGE | {"errcode", "error"})
        session = self._session(what, answer)
        self.that(f"{what}: session", session != old_session, "a new session", "the old one")
        return session

    def limited(self, what: str, answer: Response) -> None:
        """L1."""
        self.error(what, answer, 429, "M_LIMIT_EXCEEDED")
        milliseconds = answer.json.get("retry_after_ms")
        self.that(
            f"{what}: retry_after_ms",
            type(milliseconds) is int and milliseconds > 0,
            "a positive integer",
            milliseconds,
        )
        self.equal(
            f"{what}: Retry-After",
            answer.headers.get("Retry-After"),
            str(-(-milliseconds // 1000)),
        )

    def _session(self, what: str, answer: Response) -> str:
        body = answer.json
        flows = body["flows"]
        well_formed = (
            isinstance(flows, list)
            and flows != []
            and all(
                isinstance(flow, dict) and isinstance(flow.get("stages"), list) for flow in flows
            )
        )
        self.that(f"{what}: flows", well_formed, "a list of {stages: [...]}", flows)
        self.that(f"{what}: params", isinstance(body["params"], dict), "an object", body["params"])
        session = body["session"]
        self.that(
            f"{what}: session",
            isinstance(session, str) and session != "",
            "a string that is not empty",
            session,
        )
        return session

    def summary(self) -> tuple[str, str]:
        """For the table: the failure, or all that held."""
        if self.failed is not None:
            return self.failed
        expected = "; ".join(dict.fromkeys(pair[0] for pair in self.passed))
        return expected, "as expected" if self.passed else ""


def write_report(folder: Path, results: list[Result]) -> None:
    """Write conformance.md and conformance.json."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [asdict(result) for result in results]
    (folder / "conformance.json").write_text(json.dumps(lines, indent=2, ensure_ascii=False) + "\n")
    counts = Counter(result.result for result in results)
    table = [
        "# Rows kept and not kept",
        "",
        ", ".join(f"{count} {result}" for result, count in sorted(counts.items())) + ".",
        "",
        "| row | what | expected | got | result | bug of a peer |",
        "|---|---|---|---|---|---|",
    ]
    for result in results:
        cells = (
            result.row,
            result.title,
            result.expected,
            result.got,
            result.result,
            result.peer_bug,
        )
        table.append("| " + " | ".join(cell_text(cell) for cell in cells) + " |")
    (folder / "conformance.md").write_text("\n".join(table) + "\n")


def cell_text(text: str, limit: int = 400) -> str:
    """Text that fits into a cell of a Markdown table."""
    line = " ".join(text.split()).replace("|", "\\|")
    return line if len(line) <= limit else line[:limit] + "…"
