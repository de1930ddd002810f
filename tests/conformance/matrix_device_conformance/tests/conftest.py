"""What only the rows of the fallback page need."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from matrix_device_conformance.homeserver import Configured, Homeserver, User
from matrix_device_conformance.tests.pages import Browser, Deletion
from matrix_device_conformance.tests.steps import session_in


@pytest.fixture
def pages(configured: Configured) -> Homeserver:
    """A homeserver that has the pages."""
    return configured({"fallback_pages": True})


@pytest.fixture
def owner(pages: Homeserver) -> User:
    """A user there."""
    return pages.new_user()


@pytest.fixture
def begin(pages: Homeserver, owner: User) -> Callable[[], Deletion]:
    """Begins a deletion on a device of its own."""

    def challenged() -> Deletion:
        device, target = owner.login(), owner.login()
        session = session_in(device.delete(target.device_id)) or ""
        return Deletion(device, target, Browser(pages.client, session))

    return challenged


@pytest.fixture
def deletion(begin: Callable[[], Deletion]) -> Deletion:
    """One deletion that waits."""
    return begin()
