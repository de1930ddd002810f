#!/usr/bin/env python3
"""What strangers send: valid requests, changed in bytes, headers, chunks, JSON and framing.

    strangers.py --server PROGRAM [--seconds N] [--seed S] [--case N]

Whatever comes in: the server lives, answers others in time, and reports nothing (best one that is
built with sanitizers); every byte it sends is well-formed HTTP with well-formed JSON; it says 5xx
only to what it cannot do (501) and where it is busy (503). A case is known by seed and number, and
runs alone with --case.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import struct
import sys
import threading
import time
from collections import deque

from requests_changed import USER, Case, Message, case_of, templates
from trial import (
    AS_TOKEN,
    HANG_S,
    TIME_FACTOR,
    ServerError,
    Trial,
    arguments,
    elapsed,
    of_user,
    service_login,
)

CLIENTS = 6
SILENCE_S = 0.15  # after which a client has its answers, if the server has not closed
PROBE_EVERY_S = 0.2
SERVED_S = 20 * TIME_FACTOR  # by when others must be, on a machine that has much else to do
SHOWN_CASES = 12
MOST_ANSWERS = 4 * 1024 * 1024  # bytes of one case

# ---- Answers ----

STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5][0-9][0-9]) [\t\x20-\x7e]*")
HEADER_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[\t ]*([\t\x20-\x7e]*)")


def read_answers(data: bytes, is_whole: bool) -> tuple[list[int], str | None]:
    """The statuses of the answers in `data`, and what is wrong with them."""
    statuses: list[int] = []
    while data:
        head, mark, rest = data.partition(b"\r\n\r\n")
        if not mark:
            return statuses, f"half a header: {data[:200]!r}" if is_whole else None
        lines = head.split(b"\r\n")
        status_line = STATUS_LINE.fullmatch(lines[0])
        if not status_line:
            return statuses, f"no status line: {lines[0][:200]!r}"
        status = int(status_line[1])
        headers: dict[bytes, bytes] = {}
        for line in lines[1:]:
            found = HEADER_LINE.fullmatch(line)
            if not found:
                return statuses, f"no header: {line[:200]!r}"
            headers[found[1].lower()] = found[2]
        if status >= 200:
            statuses.append(status)
        length = headers.get(b"content-length")
        if status < 200 or status in (204, 304):
            data = rest
            continue
        if length is None or not length.isdigit():
            return statuses, f"an answer of unknown length: {head[:300]!r}"
        body, data = rest[: int(length)], rest[int(length) :]
        if len(body) < int(length):
            return statuses, f"half a body of {status}" if is_whole else None
        wrong = wrong_body(headers, body)
        if wrong:
            return statuses, f"{wrong} in {status}: {body[:200]!r}"
    return statuses, None


def wrong_body(headers: dict[bytes, bytes], body: bytes) -> str | None:
    """What is wrong with it."""
    if headers.get(b"content-type", b"").startswith(b"application/json"):
        try:
            json.loads(body.decode("utf-8"))
        except ValueError:
            return "no JSON"
    return None


class Stranger:
    """One client after another."""

    def __init__(self, trial: Trial, seed: int, messages: list[Message]) -> None:
        self.trial = trial
        self.seed = seed
        self.messages = messages
        self.recent: deque[int] = deque(maxlen=SHOWN_CASES)

    def run(self, number: int) -> None:
        """One case."""
        self.recent.append(number)
        case = case_of(self.seed, number, self.messages)
        try:
            data, is_whole = self.speak(case)
        except TimeoutError:
            self.trial.problem(f"case {number}: the server neither reads nor closes")
            return
        except OSError:
            return  # cut off while it was sending: its good right
        statuses, wrong = read_answers(data, is_whole)
        if wrong:
            self.trial.problem(f"case {number}: {wrong}")
        for status in statuses:
            self.trial.answers["answer", status] += 1
            if status >= 500 and status not in (501, 503, 505):
                self.trial.problem(f"case {number}: an answer with {status}")

    def speak(self, case: Case) -> tuple[bytes, bool]:
        """What comes back, and whether its last answer must be whole."""
        client = self.trial.server.client
        with socket.create_connection((client.host, client.port or 0), HANG_S) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            received = b""
            try:
                for part in case.parts:
                    received += self.send(connection, part, case.reads)
                    if case.pause_s:
                        time.sleep(case.pause_s)
            except (BrokenPipeError, ConnectionResetError):
                return received, False
            if case.ends == "resets":
                linger = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                return received, False
            if case.ends == "leaves" or not case.reads:
                return received, False
            if case.ends == "half closes":
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_WR)
            rest, is_reset = self.read(connection)
            return received + rest, not is_reset

    def send(self, connection: socket.socket, part: bytes, reads: bool) -> bytes:
        """All of it, reading meanwhile, so that neither waits for the other."""
        received = b""
        view = memoryview(part)
        deadline = time.monotonic() + HANG_S
        while view:
            connection.settimeout(0.02)
            try:
                view = view[connection.send(view) :]
            except TimeoutError:
                if time.monotonic() > deadline:
                    if reads:
                        raise
                    return received  # it sends faster than it reads, and is not read from
                if reads:
                    with contextlib.suppress(TimeoutError):
                        received += connection.recv(65536)
        return received

    def read(self, connection: socket.socket) -> tuple[bytes, bool]:
        """Until the server closes, resets or says no more."""
        received = b""
        connection.settimeout(SILENCE_S * TIME_FACTOR)
        while len(received) < MOST_ANSWERS:
            try:
                data = connection.recv(65536)
            except TimeoutError:
                return received, True  # slow, perhaps: a half answer is none to complain of
            except OSError:
                return received, True
            if not data:
                return received, False
            received += data
        return received, True


def probe(trial: Trial, stopping: threading.Event, waits: list[float]) -> None:
    """Others are served meanwhile."""
    while not stopping.wait(PROBE_EVERY_S):
        began = time.monotonic()
        try:
            answer = trial.request("GET", of_user("/devices", USER), token=AS_TOKEN)
        except TimeoutError:
            answer = None
        waits.append(time.monotonic() - began)
        if answer is None or answer.status != 200 or waits[-1] > SERVED_S:
            trial.problem(f"another client after {waits[-1]:.1f} s: {answer}")


def main() -> int:
    """For so many seconds."""
    parser = arguments(__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--case", type=int, help="this one only")
    options = parser.parse_args()
    began = time.monotonic()
    trial = Trial(options)
    trial.add_users(USER)
    trial.server.start()
    body = service_login(USER, "MAIN", refresh=True)
    login = trial.request("POST", "/login", json=body, token=AS_TOKEN)
    assert login is not None, "the login: no answer"
    assert login.status == 200, f"the login: {login}"
    messages = templates(login.json["access_token"], login.json["refresh_token"])
    strangers = [Stranger(trial, options.seed, messages) for _ in range(CLIENTS)]
    if options.case is not None:
        for part in case_of(options.seed, options.case, messages).parts:
            print(part[:2000])
        strangers[0].run(options.case)
        trial.stop()
        return trial.result(f"case {options.case}")

    stopping = threading.Event()
    waits: list[float] = []
    numbers = iter(range(1 << 62))
    lock = threading.Lock()

    def work(stranger: Stranger) -> None:
        while not stopping.is_set():
            with lock:
                number = next(numbers)
            stranger.run(number)

    threads = [threading.Thread(target=work, args=(stranger,)) for stranger in strangers]
    threads.append(threading.Thread(target=probe, args=(trial, stopping, waits)))
    for thread in threads:
        thread.start()
    while time.monotonic() - began < options.seconds and not trial.has_died():
        time.sleep(0.1)
    died = trial.has_died()
    stopping.set()
    for thread in threads:
        thread.join()
    if died:
        cases = sorted(number for stranger in strangers for number in stranger.recent)
        trial.problem(f"the server ended, at one of the cases {cases[-SHOWN_CASES:]}")
    try:
        trial.stop()
    except ServerError as error:
        trial.problem(f"at the end: {error}")
    for (_, status), count in sorted(trial.answers.items(), key=str):
        print(f"  {status}: {count}")
    slowest = max(waits, default=0)
    return trial.result(
        f"seed {options.seed}: {next(numbers)} cases, others waited {slowest:.2f} s at most,"
        f" {elapsed(began)}"
    )


if __name__ == "__main__":
    sys.exit(main())
