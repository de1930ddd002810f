"""The image of Dockerfile: built, and used as docs/containers.md uses it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from roots import CACHE, REPOSITORY, Builder, Image, run, say
from running import Running

DATABASE = "devices.db"
# Of every kind of question: routes, tokens, a deletion with a password
ROWS = "R1,R2,R4,R6,A2,G1,P1,D8,D12,U6"
START_S = 30
STOP_S = 20


def expect(holds: bool, what: str) -> None:
    """End with a failure where it does not."""
    if not holds:
        raise SystemExit(f"expected: {what}")


def expect_what_it_says(image: Image) -> None:
    """Of the image itself."""
    stage = image.stage
    expect(stage.uid != 0, "a user by number, who is not root")
    expect(bool(stage.health), "a health check")
    expect("org.opencontainers.image.licenses" in stage.labels, "the licence as a label")
    expect(stage.ports == ["8008"], "one port")
    for name in stage.environment:
        expect(not {"TOKEN", "PASSWORD", "SECRET", "KEY"} & set(name.split("_")), "no secret")


def expect_it_serves(image: Image, folder: Path) -> None:
    """From an empty volume to its end."""
    stage = image.stage
    given = [*stage.entry_point, "--server-name", "example.org"]
    say("docker run … user add alice")
    with Running(image, [*given[:-2], "user", "add", "alice", "--no-password", *given[-2:]],
                 folder / "add.log") as adding:  # fmt: skip
        expect(adding.process.wait(60) == 0, f"an account\n{adding.log.read_text()}")
    say("docker run … --server-name example.org")
    with Running(image, [*given, "--open-registration", "--no-rate-limits"],
                 folder / "serve.log") as server:  # fmt: skip
        server.wait_until(lambda: server.is_healthy(stage.health), START_S, "it is healthy")
        status = Path(f"/proc/{server.main_process()}/status").read_text()
        expect(f"\nUid:\t{stage.uid}\t{stage.uid}\t" in status, f"uid {stage.uid}\n{status}")
        file = image.volume(stage.volumes[0]) / DATABASE
        expect(file.stat().st_uid == stage.uid, "the database is in the volume, and the server's")
        listed = server.execute(["matrix-devices-server", "user", "list"])
        expect("@alice:example.org" in listed.stdout, f"docker exec … user list\n{listed}")
        suite = [sys.executable, "-B", "-m", "matrix_device_conformance", "http://127.0.0.1:8008"]
        suite += ["--rows", ROWS, f"--report={folder}/report", "--fail-on-ours"]
        done = subprocess.run(
            server.here(suite),
            env={**os.environ, "PYTHONPATH": str(REPOSITORY / "tests" / "conformance")},
            check=False,
        )
        expect(done.returncode == 0, "the conformance suite finds the rows kept")
        expect(server.stop(stage.stop_signal, STOP_S) == 0, f"{stage.stop_signal} ends it with 0")
    with Running(image, ["sleep", "60"], folder / "none.log") as nobody:
        nobody.wait_until(lambda: nobody.main_process() > 0, START_S, "it runs")
        expect(not nobody.is_healthy(stage.health), "without a server the check fails")


def main() -> None:
    """Build it, and try."""
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="containers.") as work:
        image = Builder(Path(work)).build("Dockerfile")
        expect_what_it_says(image)
        expect_it_serves(image, Path(work))
        run(["rm", "-rf", str(image.root.parent)])
    say("Dockerfile: works")


if __name__ == "__main__":
    main()
