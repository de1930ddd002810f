"""Dendrites to test: on SQLite, on PostgreSQL, and with the users alone in PostgreSQL."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from dendrite_server import BUILT, Dendrite

from cluster import Cluster, Database
from matrix_device_conformance.client import Response
from matrix_device_conformance.homeserver import Homeserver
from matrix_device_conformance.services import Service

StartDendrite = Callable[..., "Site"]
KINDS = ("sqlite", "postgres", "mixed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip everything, and say why, where nothing was built."""
    if not (BUILT / "dendrite-matrix-devices").exists():
        reason = f"there is no Dendrite in {BUILT}: tests/dendrite/setup builds it, where it can"
        for item in items:
            item.add_marker(pytest.mark.skip(reason))


@dataclass
class Site:
    """A running Dendrite, its accounts, and the way into its database."""

    kind: str
    dendrite: Dendrite
    homeserver: Homeserver
    services: list[Service]
    postgres: Database | None  # where the users are

    @property
    def service(self) -> Service:
        """One without limits."""
        return self.services[1]

    def put(self, user_id: str, device_id: str, body: Any = None) -> Response:
        """PUT by the application service."""
        return self.service.put(device_id, {} if body is None else body, user_id=user_id)

    def delete_all(self, user_id: str, device_ids: list[str]) -> Response:
        """POST by the application service."""
        body = {"devices": device_ids}
        return self.service.request("POST", "/delete_devices", json=body, user_id=user_id)

    def users_sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Run SQL in the database of the users."""
        if self.postgres is not None:
            return list(self.postgres.sql(statement))
        return self.dendrite.sqlite("user_api", statement)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """A PostgreSQL for all."""
    with Cluster() as cluster:
        yield cluster


@contextmanager
def starting(request: pytest.FixtureRequest, folder: Path) -> Iterator[StartDendrite]:
    """Starts Dendrites, and ends them in the end."""
    numbers = itertools.count()
    started: list[Dendrite] = []

    def start_one(kind: str, **options: Any) -> Site:
        services = [Service("limited", True), Service("unlimited", False)]
        databases: dict[str, str] = {}
        postgres = None
        if kind != "sqlite":
            cluster = request.getfixturevalue("postgres")
            postgres = Database(cluster, f"dendrite_{secrets.token_hex(4)}")
            cluster.sql(
                f"CREATE DATABASE {postgres.name} TEMPLATE template0"
                " LOCALE_PROVIDER libc LOCALE 'C'"
            )
            url = postgres.url_with(sslmode="disable")
            databases["" if kind == "postgres" else "user_api"] = url
        where = folder / f"dendrite{next(numbers)}"
        dendrite = Dendrite(where, databases=databases, services=services, **options)
        started.append(dendrite)
        dendrite.start()
        homeserver = Homeserver(dendrite.client, services=services)
        return Site(kind, dendrite, homeserver, services, postgres)

    try:
        yield start_one
    finally:
        for dendrite in started:
            dendrite.kill()
    assert [line for dendrite in started for line in dendrite.misbehaving()] == []


@pytest.fixture
def start(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StartDendrite]:
    """Starts a Dendrite of a kind."""
    with starting(request, tmp_path) as start_one:
        yield start_one


@pytest.fixture(params=KINDS, scope="session")
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """One of each kind, for all tests."""
    with starting(request, tmp_path_factory.mktemp(request.param)) as start_one:
        yield start_one(request.param)
