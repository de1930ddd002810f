"""Waiting where a homeserver limits what the suite asks of it, and giving up where that takes long.

Logins and registrations are counted: a homeserver may allow a handful of them, and then one in
minutes. What cannot be had any more is not judged.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from matrix_device_conformance.check import NotJudged
from matrix_device_conformance.client import TIME_FACTOR, Response
from matrix_device_conformance.time_limit import paused

TOO_MANY_REQUESTS = 429
LONG_WAIT_S = 30  # for one request: nothing that takes longer is waited for
ALL_WAITS_S = 420 * TIME_FACTOR  # in one run
MANY_LOGINS = 10  # after so many without a refusal there is no short supply
TOLD_WAIT_S = 2  # a wait that is shorter needs no line of progress
LOGIN = "login"
REGISTRATION = "registration"

Send = Callable[[], Response]
Say = Callable[[str], None]


class RateLimited(NotJudged):
    """The homeserver's limits leave no room for what a test needs."""


@dataclass
class Allowance:
    """How many of a kind a homeserver has let through, and what it said when it did not."""

    kind: str
    made: int = 0
    at_once: int = 0  # how many came through before the first refusal
    wait_s: int = 0  # that was told with it
    is_over: bool = False  # the wait is longer than any that the suite makes

    def refuse(self, wait_s: int) -> None:
        """The homeserver has said 429."""
        if not self.wait_s:
            self.at_once, self.wait_s = self.made, wait_s
        self.is_over = self.is_over or wait_s > LONG_WAIT_S

    def __str__(self) -> str:
        plural = "" if self.at_once == 1 else "s"
        return f"{self.at_once} {self.kind}{plural} an address, then one in {self.wait_s} s"


@dataclass
class Pacing:
    """Of one homeserver. `say`: where it is told what is waited for."""

    say: Say = lambda _text: None
    is_patient: bool = False  # with requests other than logins and registrations
    waited_s: float = 0.0
    logins: Allowance = field(default_factory=lambda: Allowance(LOGIN))
    registrations: Allowance = field(default_factory=lambda: Allowance(REGISTRATION))

    @property
    def scarce(self) -> bool:
        """Logins have come to an end, or will: where registrations are limited, they often are."""
        has_limits = self.registrations.wait_s > 0 and self.logins.made < MANY_LOGINS
        return self.logins.is_over or has_limits

    def take(self, allowance: Allowance, send: Send) -> Response:
        """Send what counts against an allowance, again after each wait; RateLimited if too long."""
        while True:
            if allowance.is_over:
                raise RateLimited(f"rate limited ({allowance})")
            answer = send()
            if answer.status != TOO_MANY_REQUESTS:
                if answer.status == 200:
                    allowance.made += 1
                return answer
            wait_s = wait_of(answer)
            allowance.refuse(wait_s)
            if not allowance.is_over:
                self._wait(wait_s, f"a {allowance.kind}", f"rate limited ({allowance})")

    def have_patience(self, request: str, answer: Response, send: Send) -> Response:
        """Where the answer is 429 and no row is about that: the answer after the wait."""
        while self.is_patient and answer.status == TOO_MANY_REQUESTS:
            wait_s = wait_of(answer)
            why = f"rate limited (429 to {request}, for {wait_s} s)"
            if wait_s > LONG_WAIT_S:
                raise RateLimited(why)
            self._wait(wait_s, request, why)
            answer = send()
        return answer

    def _wait(self, wait_s: int, what: str, why: str) -> None:
        if self.waited_s + wait_s > ALL_WAITS_S:
            raise RateLimited(f"{why}; the run has waited {self.waited_s:.0f} s already")
        self.waited_s += wait_s
        if wait_s >= TOLD_WAIT_S:
            self.say(f"waiting {wait_s} s for {what}, which the homeserver limits")
        with paused():
            time.sleep(wait_s)

    def __str__(self) -> str:
        limits = [each for each in (self.registrations, self.logins) if each.wait_s]
        text = "; ".join(str(each) for each in limits) or "no limit of logins or registrations"
        return f"{text[0].upper()}{text[1:]} was met" if not limits else text


def wait_of(answer: Response) -> int:
    """The seconds that a 429 asks to wait, one or more."""
    header = answer.headers.get("Retry-After") or ""
    if header.isdecimal():
        return max(int(header), 1)
    told = answer.members.get("retry_after_ms")
    if isinstance(told, bool) or not isinstance(told, int | float) or not math.isfinite(told):
        return 1
    return max(math.ceil(told / 1000), 1)
