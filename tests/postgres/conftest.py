"""Real servers on a PostgreSQL to which something happens."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from matrix_device_conformance.server import server_binary
from programs import missing
from trial import Trial

pytest_plugins = ["postgres_fixtures"]

Launch = Callable[..., Trial]


@pytest.fixture(autouse=True)
def needs_postgres() -> None:
    """Skip where none is installed."""
    reason = missing()
    if reason:
        pytest.skip(reason)


@pytest.fixture
def prepare(tmp_path: Path) -> Iterator[Launch]:
    """Makes a server on a database, not started; expects at the end that it stops cleanly."""
    binary = server_binary(None)
    if binary is None:
        raise pytest.UsageError("env MXD_SERVER names no matrix-devices-server")
    trials: list[Trial] = []

    def make(url: str, **settings: Any) -> Trial:
        folder = tmp_path / f"server{len(trials)}"
        given = argparse.Namespace(server=binary, folder=str(folder))
        trial = Trial(given, database=url, settings=settings)
        trials.append(trial)
        return trial

    yield make
    for trial in trials:
        if trial.server.process is not None:
            trial.stop()
    problems = [problem for trial in trials for problem in trial.problems]
    assert problems == []


@pytest.fixture
def launch(prepare: Launch) -> Launch:
    """Makes a server with three accounts, and starts it."""

    def start(url: str, **settings: Any) -> Trial:
        trial = prepare(url, **settings)
        trial.add_users("alice", "bob", "carol")
        trial.server.start()
        return trial

    return start


@pytest.fixture(scope="session")
def rounds() -> int:
    """How often to repeat what is left to chance: more in make test-long."""
    return int(os.environ.get("MXD_ROUNDS", "3"))
