"""Starting, and refusing to start: in one line, and before anything listens."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from accounts import Site
from conftest import Sites
from synapse_installation import MODULE_FOLDER, Installation
from synapse_process import LISTENING
from synapse_server import MODULE, Options, Synapse, SynapseService

pytestmark = pytest.mark.module

Refused = Callable[..., str]


@pytest.fixture
def refused(installed: Installation, tmp_path: Path) -> Refused:
    """Starts a Synapse that must not start; the one line that says why."""

    def attempt(
        config: Mapping[str, Any] | None = None, environment: Mapping[str, str] | None = None
    ) -> str:
        options = Options(module=config or {}, environment=environment or {})
        synapse = Synapse(tmp_path, installed, options)
        process = synapse.main
        process.spawn()
        status = process.wait(60)
        output = process.output()
        assert status != 0, output
        assert LISTENING.search(output) is None, "it had listened already\n" + output
        # Synapse's words: where in the configuration, which module; then the module's own line.
        where, which, *why = [line.strip() for line in output.splitlines() if line.strip()]
        assert where.startswith("Error in configuration at 'modules."), output
        assert which.startswith("Failed to parse config for module"), output
        assert len(why) == 1, output
        return f"{where} {why[0]}"

    return attempt


def test_a_missing_library(refused: Refused) -> None:
    """A library that is not there: its path is named."""
    assert "/nowhere/libmatrix_devices.so" in refused({"library": "/nowhere/libmatrix_devices.so"})


def test_a_missing_library_of_the_environment(refused: Refused) -> None:
    """Likewise one that the environment names."""
    environment = {"MATRIX_DEVICES_LIBRARY": "/nowhere/libmatrix_devices.so"}
    assert "/nowhere/libmatrix_devices.so" in refused(environment=environment)


def test_something_else(refused: Refused, tmp_path: Path) -> None:
    """A file that is no library."""
    path = tmp_path / "libmatrix_devices.so"
    path.write_text("not a library")
    assert str(path) in refused({"library": str(path)})


def compiled(tmp_path: Path, source: str) -> str:
    """A shared library of this C source."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("needs a C compiler")
    path = tmp_path / "libother.so"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-x", "c", "-", "-o", str(path)],
        input=source,
        text=True,
        check=True,
    )
    return str(path)


@pytest.mark.parametrize("entry", ["something_else", "matrix_devices_module_v2"])
def test_another_library(refused: Refused, tmp_path: Path, entry: str) -> None:
    """A library that is not ours, or of another major version: what is wanted is named."""
    path = compiled(tmp_path, f"const void *{entry}(void) {{ return 0; }}\n")
    text = refused({"library": path})
    assert path in text, text
    assert "matrix_devices_module_v1" in text, text


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"no_such_key": 1}, "no_such_key"),
        ({"uia": {"body_binding": "loose"}}, "body_binding"),
        ({"library": 1}, "library"),
        ({"allow_untested_synapse": "yes"}, "allow_untested_synapse"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_key(refused: Refused, config: dict[str, Any], named: str) -> None:
    """A key that is not known, or has a wrong value, is named."""
    assert named in refused(config)


def pretending(version: str) -> dict[str, str]:
    """An environment in which Synapse seems to be this version."""
    folder = str(MODULE_FOLDER / "pretend_version")
    return {"MXD_PRETENDED_SYNAPSE": version, "MXD_FIRST_PYTHONPATH": folder}


@pytest.mark.parametrize("untested", ["1.142.0", "2.0.0"])
def test_an_untested_version(refused: Refused, untested: str) -> None:
    """Outside the range that it knows, it says so and names the way out."""
    text = refused(environment=pretending(untested))
    assert untested in text, text
    assert "allow_untested_synapse" in text, text


def test_an_untested_version_that_is_allowed(installed: Installation, tmp_path: Path) -> None:
    """With `allow_untested_synapse: true` it starts, and works."""
    options = Options(module={"allow_untested_synapse": True}, environment=pretending("1.999.0"))
    synapse = Synapse(tmp_path, installed, options).start()
    try:
        site = Site(synapse)
        user = site.new_user()
        device, target = user.login(), user.login()
        assert device.put("UNKNOWN", {}).status == 404, "the module answers"
        assert device.delete(target.device_id, user.auth()).status == 200
    finally:
        synapse.stop()


THIEF = {"module": "takes_endpoints.TakesEndpoints", "config": {}}
AGAIN = {"module": MODULE, "config": {}}


@pytest.mark.parametrize("later", [THIEF, AGAIN], ids=["another-module", "ours-twice"])
def test_endpoints_of_somebody_else(
    installed: Installation, tmp_path: Path, later: dict[str, Any]
) -> None:
    """A later module takes an endpoint: the process ends, and says so in one line."""
    synapse = Synapse(tmp_path, installed, Options(module={}, later_modules=[later]))
    process = synapse.main
    process.spawn()
    status = process.wait(60)
    output = process.output()
    assert status != 0, output
    assert "Traceback" not in output, output
    assert len(process.errors()) == 1, output
    assert "GET /_matrix/client/v3/devices" in process.errors()[0].message, output


def test_without_the_three_lines(sites: Sites, tmp_path: Path) -> None:
    """Taking the module out again: Synapse runs as before, on the same database."""
    services = [SynapseService("unlimited", False)]
    config = {"registration_shared_secret": "shared", "macaroon_secret_key": "macaroon"}
    with_module = Synapse(
        tmp_path, sites.installed, Options(module={}, services=services, config=config)
    )
    with_module.start()
    site = Site(with_module)
    user = site.new_user()
    device, target = user.login(), user.login()
    session = device.begin_delete_devices([target.device_id])
    with_module.stop()

    without = Synapse(tmp_path, sites.installed, Options(services=services, config=config))
    without.start()
    try:
        site.client = without.client
        assert device.put("UNKNOWN", {}).status == 200, "Synapse's own answers"
        answer = device.delete_devices([target.device_id], user.auth(session))
        assert answer.status == 200, "a session that was under way"
        assert device.device_ids() == {device.device_id}
    finally:
        without.stop()
