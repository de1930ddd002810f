#!/usr/bin/env python3
"""Ask a host that runs libmatrix_devices_check.so, step by step, and print what it promises.

    check_host.py --config FILE BASE_URL [--restart COMMAND] [--other URL]

FILE is the configuration that the host gives the module: its member `check` has the tokens. What is
to be sent next stands in each answer. The exit status is 0 if no promise is broken, 1 if one is, 2
if the host could not be asked. See docs/host_check.md.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import http.client
import json
import secrets
import subprocess
import sys
import time
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Report = dict[str, Any]
RANK = {"to come": 0, "not tried": 1, "held": 2, "broken": 3}
FIRST = {
    "step": "reading",
    "method": "GET",
    "target": "/_matrix/client/v3/devices?resume=reading.e30",  # with no notes: {}
    "token": "/users/0/token",
    "times": 1,
    "after_ms": 0,
    "body_bytes": 0,
    "place": "here",
}


class Unanswered(Exception):
    """A request brought no report, and why."""

    def __init__(self, why: str, answered: str = "") -> None:
        super().__init__(why)
        self.answered = answered
        """The host's own answer: status, errcode and perhaps ``soft_logout``."""


@dataclass
class Run:
    """What was asked of a host, and what it answered."""

    check: dict[str, Any]
    base_url: str
    other_url: str | None
    restart: str | None
    timeout: float
    promises: dict[str, dict[str, str]] = field(default_factory=dict)
    completions: list[str] = field(default_factory=list)

    def go(self) -> None:
        """Send what is to be sent until there is nothing. Raises Unanswered: nothing goes."""
        step: dict[str, Any] | None = FIRST
        while step is not None:
            why, answered = self.obstacle(step), ""
            if why is None:
                try:
                    step = self.send(step)
                    continue
                except Unanswered as error:
                    why = f"the request for it brought no report: {error}"
                    answered = error.answered
            step = self.skip(step, why, answered)

    def obstacle(self, step: dict[str, Any]) -> str | None:
        """Why the step can't be sent."""
        if step["place"] == "elsewhere" and self.other_url is None:
            return "no other process was named (--other)"
        if step["place"] == "restarted" and self.restart is None:
            return "no command restarts the host (--restart)"
        return None

    def send(self, step: dict[str, Any]) -> dict[str, Any] | None:
        """Send a step's requests, as many as it says at once; what comes next."""
        time.sleep(step["after_ms"] / 1000)
        base_url = self.base_url
        if step["place"] == "elsewhere":
            assert self.other_url is not None
            base_url = self.other_url
        elif step["place"] == "restarted":
            self.restart_host()
            base_url = self.base_url
        with concurrent.futures.ThreadPoolExecutor(step["times"]) as pool:
            asked = [pool.submit(self.ask, base_url, step) for _ in range(step["times"])]
        reports = [each.result() for each in asked]
        for report in reports:
            self.keep(report)
        return reports[-1]["next"]

    def skip(self, step: dict[str, Any], why: str, answered: str) -> dict[str, Any] | None:
        """Have the module pass a step over."""
        query = urllib.parse.urlsplit(step["target"]).query
        target = f"/_matrix/client/v3/devices?{query}&skip={urllib.parse.quote(why)}"
        if answered:
            target += f"&answered={urllib.parse.quote(answered)}"
        report = self.ask(self.base_url, {**FIRST, "target": target})
        self.keep(report)
        return report["next"]

    def restart_host(self) -> None:
        """Restart it, and wait until something listens again. Raises Unanswered."""
        assert self.restart is not None
        subprocess.run(self.restart, shell=True, check=True, stdout=sys.stderr)
        url = urllib.parse.urlsplit(self.base_url)
        end = time.monotonic() + self.timeout
        while True:
            try:
                connection = connect(url, self.timeout)
                connection.connect()
            except OSError as error:
                if time.monotonic() > end:
                    raise Unanswered(f"nothing listens after the restart: {error}") from error
                time.sleep(0.1)
            else:
                connection.close()
                return

    def ask(self, base_url: str, step: dict[str, Any]) -> Report:
        """Send one request. Raises Unanswered."""
        url = urllib.parse.urlsplit(base_url)
        connection = connect(url, self.timeout)
        headers = {
            "Authorization": f"Bearer {self.token(step['token'])}",
            "Accept": "application/json",
        }
        body = None
        if step["method"] == "POST":
            headers["Content-Type"] = "application/json"
            body = b"{}".ljust(step["body_bytes"]) if step["body_bytes"] else b"{}"
        try:
            connection.request(step["method"], url.path + step["target"], body, headers)
            response = connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise Unanswered(f"{type(error).__name__} {error}") from error
        finally:
            connection.close()
        return read_report(response.status, content)

    def token(self, pointer: str | None) -> str:
        """The token at this place of the configuration, or one that nobody has."""
        if pointer is None:
            return f"nobody-{secrets.token_urlsafe(16)}"
        value: Any = self.check
        for key in pointer.strip("/").split("/"):
            value = value[int(key) if isinstance(value, list) else key]
        return str(value)

    def keep(self, report: Report) -> None:
        """A process knows only what it has seen itself."""
        for promise in report["promises"]:
            name = promise["name"]
            known = self.promises.get(name)
            if known is None or RANK[promise["outcome"]] > RANK[known["outcome"]]:
                self.promises[name] = promise
        self.completions.append(report["completions"])

    def broken(self) -> list[str]:
        """The names of the promises that are broken."""
        return [name for name, each in self.promises.items() if each["outcome"] == "broken"]

    def lines(self) -> list[str]:
        """The whole, a line a promise, and how many of each outcome."""
        lines = []
        for promise in self.promises.values():
            said = promise["detail"] or promise["promise"]
            lines.append(f"{promise['outcome']:<9}  {promise['name']}: {said}")
        outcomes = [promise["outcome"] for promise in self.promises.values()]
        counts = ", ".join(f"{outcomes.count(outcome)} {outcome}" for outcome in reversed(RANK))
        return [*lines, f"answers: {self.completions[-1]}", counts]


def connect(url: urllib.parse.SplitResult, timeout: float) -> http.client.HTTPConnection:
    """A connection that is not open yet."""
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    return kind(url.hostname or "", url.port, timeout=timeout)


def read_report(status: int, content: bytes) -> Report:
    """The report in a response. Raises Unanswered: there is none."""
    try:
        report = json.loads(content)
    except ValueError:
        report = None
    if not isinstance(report, dict):
        shown = content[:200].decode(errors="replace")
        raise Unanswered(f"HTTP {status}, {shown!r}")
    if "promises" not in report:
        soft = " soft_logout" if report.get("soft_logout") else ""
        answered = f"{status} {report.get('errcode')}{soft}"
        raise Unanswered(f"HTTP {answered}: {report.get('error')}", answered)
    return report


def main() -> int:
    """Run, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("base_url", metavar="BASE_URL", help="such as http://127.0.0.1:8008")
    parser.add_argument("--config", required=True, type=Path, help="the module's configuration")
    parser.add_argument("--restart", metavar="COMMAND", help="restarts the host, and returns then")
    parser.add_argument("--other", metavar="URL", help="another process of the host")
    parser.add_argument("--timeout", type=float, default=60, help="of a request, in s (60)")
    parser.add_argument("--json", action="store_true", help="print the promises as JSON")
    options = parser.parse_args()
    check = json.loads(options.config.read_text(encoding="utf-8"))["check"]
    run = Run(check, options.base_url, options.other, options.restart, options.timeout)
    try:
        run.go()
    except (Unanswered, subprocess.CalledProcessError) as error:
        print(f"the host can't be asked: {error}", file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps(list(run.promises.values()), indent=1))
    else:
        print("\n".join(run.lines()))
    return 1 if run.broken() else 0


if __name__ == "__main__":
    sys.exit(main())
