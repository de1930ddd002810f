"""The image of synapse.Dockerfile: built, and a Synapse in it that answers as the module does.

Synapse's image cannot be had without a container engine's registry. In its place stands what it is
made of: Debian 13, its Python 3.13, and the same version of Synapse from pip, without a venv.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from roots import (
    CACHE,
    REPOSITORY,
    Builder,
    Image,
    at_home,
    copy_debian,
    install_with_pip,
    run,
    say,
)
from running import Running

VERSIONS = REPOSITORY / "tests" / "synapse" / "versions.txt"
PACKAGES = ["ccache", "curl", "python-is-python3", "python3-dev", "python3-pip", "python3-venv"]
# What the image adds to it: Python's own has no mark of Debian's against pip
ENVIRONMENT = {"PIP_BREAK_SYSTEM_PACKAGES": "1"}
# Rows that Synapse keeps with the module, and not without it (docs/synapse.md)
ROWS = "A3,P4,R10,U2,U8"
HEALTH = ["curl", "-fSs", "http://localhost:8008/health"]
DATA = "/data"
START_S = 120
STOP_S = 30


def newest() -> str:
    """The version of Synapse that the tests have first."""
    lines = VERSIONS.read_text().splitlines()
    return next(line.split()[0] for line in lines if line and not line.startswith("#"))


def make_base(root: Path) -> None:
    """As Synapse's image, as far as the Dockerfile can tell."""
    copy_debian("trixie", root, PACKAGES)
    with at_home(root):
        install_with_pip(root, [f"matrix-synapse=={newest()}"], ENVIRONMENT)


def config_of(folder: Path) -> Path:
    """As docs/synapse.md has it, and with registration open for the suite."""
    no_limit = {"per_second": 1e6, "burst_count": 1_000_000}
    config = {
        "server_name": "example.org",
        "pid_file": f"{DATA}/homeserver.pid",
        "listeners": [{"port": 8008, "type": "http", "bind_addresses": ["127.0.0.1"],
                       "resources": [{"names": ["client"]}]}],
        "database": {"name": "sqlite3", "args": {"database": f"{DATA}/homeserver.db"}},
        "media_store_path": f"{DATA}/media",
        "signing_key_path": f"{DATA}/signing.key",
        "macaroon_secret_key": secrets.token_hex(16),
        "report_stats": False,
        "trusted_key_servers": [],
        "enable_registration": True,
        "enable_registration_without_verification": True,
        "rc_registration": no_limit,
        "rc_login": {"address": no_limit, "account": no_limit, "failed_attempts": no_limit},
        "modules": [{"module": "matrix_devices.synapse.DeviceModule", "config": {}}],
    }  # fmt: skip
    path = folder / "homeserver.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


def expect(holds: bool, what: str) -> None:
    """End with a failure where it does not."""
    if not holds:
        raise SystemExit(f"expected: {what}")


def expect_it_answers(image: Image, folder: Path) -> None:
    """Synapse with the module, over HTTP."""
    (image.root / DATA.lstrip("/")).mkdir()
    image.stage.volumes.append(DATA)
    config = config_of(image.volume(DATA))
    command = ["python", "-m", "synapse.app.homeserver", "-c", f"{DATA}/{config.name}"]
    with Running(image, [*command, "--generate-keys"], folder / "keys.log") as keys:
        expect(keys.process.wait(START_S) == 0, f"keys\n{keys.log.read_text()}")
    say("docker run … (its Synapse)")
    with Running(image, command, folder / "synapse.log") as synapse:
        synapse.wait_until(lambda: synapse.is_healthy(HEALTH), START_S, "it is healthy")
        suite = [sys.executable, "-B", "-m", "matrix_device_conformance", "http://127.0.0.1:8008"]
        done = subprocess.run(
            synapse.here([*suite, "--rows", ROWS, f"--report={folder}/report"]),
            env={**os.environ, "PYTHONPATH": str(REPOSITORY / "tests" / "conformance")},
            check=False,
        )
        expect(done.returncode == 0, f"rows {ROWS}, which Synapse keeps with the module alone")
        expect(synapse.stop("SIGTERM", STOP_S) == 0, "SIGTERM ends it with 0")


def main() -> None:
    """Build it, and try."""
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="containers.") as work:
        base = f"matrixdotorg/synapse:v{newest()}"
        builder = Builder(Path(work), {base: make_base}, ENVIRONMENT)
        image = builder.build("synapse.Dockerfile")
        expect_it_answers(image, Path(work))
        run(["rm", "-rf", str(image.root.parent)])
    say("synapse.Dockerfile: works")


if __name__ == "__main__":
    main()
