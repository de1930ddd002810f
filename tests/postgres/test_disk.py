"""A database whose disk is full."""

from __future__ import annotations

import ctypes
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from asking import BACK_S, expect_back, names, put
from cluster import Cluster
from conftest import Launch
from matrix_device_conformance.server import poll

SIZE = "160m"
MNT_DETACH = 2


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of some megabytes, in memory."""
    libc = ctypes.CDLL(None, use_errno=True)
    folder = Path("/tmp") / f"mxd-disk-{os.getpid()}"
    folder.mkdir()
    options = f"size={SIZE},mode=755".encode()
    if libc.mount(b"tmpfs", os.fsencode(folder), b"tmpfs", 0, options) != 0:
        folder.rmdir()
        pytest.skip(f"no tmpfs can be mounted here: {os.strerror(ctypes.get_errno())}")
    yield folder
    libc.umount2(os.fsencode(folder), MNT_DETACH)
    folder.rmdir()


def test_a_full_disk_is_503_and_nothing_is_half_done(launch: Launch, small_disk: Path) -> None:
    """Also where there is no room for the log: PostgreSQL stops then, and comes back."""
    settings = {"min_wal_size": "32MB", "max_wal_size": "64MB", "shared_buffers": "16MB"}
    with (
        Cluster(durable=True, settings=settings, parent=small_disk) as cluster,
        cluster.database() as database,
    ):
        trial = launch(database.url)
        answered: dict[str, str] = {}
        for number in range(20):
            assert put(trial, f"D{number}", f"name {number}").status == 201
            answered[f"D{number}"] = f"name {number}"
        ballast = small_disk / "ballast"
        fill(ballast, 0)
        failed = 0
        for number in range(20, 2000):
            answer = put(trial, f"D{number}", "x" * 90)
            if answer.status == 503:
                failed += 1
                if failed == 5:
                    break
            else:
                assert answer.status == 201, answer
                answered[f"D{number}"] = "x" * 90
            fill(ballast, ballast.stat().st_size)
        assert failed == 5, "the disk was never full"
        ballast.unlink()

        def is_written() -> bool:
            # It may still be on its way to its end, for want of what there is room for again.
            if cluster.process is not None and cluster.process.poll() is not None:
                cluster.process = None
                cluster.start()
            return put(trial, "BACK").status in (200, 201)

        poll(is_written, BACK_S, "it is written again")
        expect_back(trial)
        found = names(trial)
        assert answered.items() <= found.items(), "what was answered is there"
        assert all(name in ("x" * 90, "name") for key, name in found.items() if key not in answered)
        trial.stop()


def fill(path: Path, at: int) -> None:
    """Take all that is left."""
    free = shutil.disk_usage(path.parent).free
    with path.open("ab") as file:
        file.truncate(at)
        file.seek(at)
        try:
            file.write(b"x" * free)
            file.flush()
        except OSError:
            pass
