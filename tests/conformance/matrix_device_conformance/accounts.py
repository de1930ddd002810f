"""Whom a test acts as: a user of its own where that is to be had, otherwise one that is shared."""

from __future__ import annotations

from matrix_device_conformance.check import NotJudged
from matrix_device_conformance.homeserver import Homeserver, User
from matrix_device_conformance.pacing import RateLimited

SHARED = 2  # users that rows take in turns; further accounts are for rows that need one unused
SPARE = 2  # registered beside them to see whether registrations are limited


class Accounts:
    """The users of one homeserver."""

    def __init__(self, homeserver: Homeserver) -> None:
        self.homeserver = homeserver
        self.shared = homeserver.accounts[:SHARED]
        self._unused = homeserver.accounts[SHARED:]
        self._in_use: list[User] = []

    def prepare(self) -> None:
        """Register users to share; RegistrationClosed where that cannot be."""
        made: list[User] = []
        pacing = self.homeserver.pacing
        while self.homeserver.can_make_users() and len(made) < SHARED + SPARE:
            made.append(self.homeserver.new_user(with_device=True))
            if len(made) >= SHARED and pacing.registrations.wait_s:
                break
        self.shared += made[:SHARED]
        if pacing.registrations.wait_s:
            self._unused += made[SHARED:]

    def begin_test(self) -> None:
        """All shared users are free again."""
        self._in_use.clear()

    def user(self) -> User:
        """A user that this test has not got yet: its own where that costs no waiting."""
        if self.homeserver.can_make_users() and not self.homeserver.pacing.registrations.wait_s:
            try:
                return self.homeserver.new_user()
            except RateLimited:
                pass  # from now on users are shared
        return self._next_shared()

    def fresh(self) -> User:
        """A user whom no other test gets, and who has no past."""
        if self._unused:
            return self._unused.pop()
        if not self.homeserver.can_make_users():
            raise NotJudged(
                "needs an account that nobody has used: give more than"
                f" {SHARED} accounts, or the hook new-user"
            )
        is_limited = self.homeserver.pacing.registrations.wait_s > 0
        return self.homeserver.new_user(with_device=is_limited)

    def _next_shared(self) -> User:
        free = [user for user in self.shared if user not in self._in_use]
        if not free:
            raise NotJudged(f"needs more than the {len(self.shared)} accounts that there are")
        user = free[0]
        self.shared.remove(user)
        self.shared.append(user)  # whose turn it is again after the others
        self._in_use.append(user)
        user.forget_lost_device()
        return user
