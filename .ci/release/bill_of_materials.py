"""What is in a release, as CycloneDX 1.6: its files with their sums, the libraries that they are
built with in the versions that are installed here, the crates in the versions that were chosen, and
what the site carries.

bill_of_materials.py --version 1.0.0 --commit HASH --artefacts DIR --cargo METADATA.json --out FILE
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

HERE = Path(__file__).resolve().parent
LIBRARIES = HERE / "libraries.txt"
PACKAGES = HERE.parent / "packages.txt"
SITE = HERE.parents[1] / "docs" / "site" / "requirements.txt"
# Its own, and of the fonts
RUSTDOCS_LICENCES = "(MIT OR Apache-2.0) AND OFL-1.1"
GROUPS = {"module", "store", "postgres", "server", "python"}
LICENCES = LicenseFactory()


def libraries() -> dict[str, tuple[str, str, str]]:
    """Of libraries.txt: project, licence and place of each package."""
    found = {}
    for line in LIBRARIES.read_text().splitlines():
        if line and not line.startswith("#"):
            package, project, licence, place = line.split(maxsplit=3)
            found[package] = project, licence, place
    return found


def packages() -> Iterator[tuple[str, list[str]]]:
    """Those with headers of .ci/packages.txt: the name, and all names that it can have."""
    seen = set()
    for line in PACKAGES.read_text().splitlines():
        group, _, rest = line.partition(" ")
        names = [name.split()[0] for name in rest.partition(";")[0].split("|") if name.strip()]
        is_library = names and names[0].endswith("-dev") and names[0] != "python3-dev"
        if group in GROUPS and is_library and names[0] not in seen:
            seen.add(names[0])
            yield names[0], names


def installed(names: list[str]) -> tuple[str, str]:
    """The package of these that is there, and its version."""
    for name in names:
        query = ["dpkg-query", "-W", "-f", "${db:Status-Status} ${Version}", name]
        done = subprocess.run(query, capture_output=True, text=True, check=False)
        status, _, version = done.stdout.partition(" ")
        if status == "installed":
            return name, version
    raise SystemExit(f"{names[0]} is not installed: .ci/setup module store postgres server python")


def system_libraries() -> Iterator[Component]:
    """What is compiled in, and what is linked."""
    release = dict(
        line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if line
    )
    distribution = f"{release['ID']}-{release['VERSION_ID']}".replace('"', "")
    known = libraries()
    for name, names in packages():
        if name not in known:
            raise SystemExit(f"{LIBRARIES.name} has no {name}: add its project and its licence")
        project, licence, place = known[name]
        package, version = installed(names)
        url = PackageURL("deb", "debian", package, version, {"distro": distribution})
        yield Component(
            type=ComponentType.LIBRARY,
            name=project,
            version=version,
            purl=url,
            bom_ref=url.to_string(),
            licenses=[LICENCES.make_with_expression(licence)],
            properties=[Property(name="matrix-devices:place", value=place)],
        )


def crates(metadata: dict[str, Any]) -> Iterator[Component]:
    """What the crates need of others, not for their own tests."""
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    members = [
        package["id"]
        for package in metadata["packages"]
        if package["id"] in metadata["workspace_members"]
        and package["name"].startswith("matrix-devices")
    ]
    wanted, waiting = set(), list(members)
    while waiting:
        for dependency in nodes[waiting.pop()]["deps"]:
            kinds = {kind["kind"] for kind in dependency["dep_kinds"]}
            if kinds <= {"dev", "build"} or dependency["pkg"] in wanted:
                continue
            wanted.add(dependency["pkg"])
            waiting.append(dependency["pkg"])
    for package in metadata["packages"]:
        if package["id"] not in wanted or package["id"] in members:
            continue
        url = PackageURL("cargo", None, package["name"], package["version"])
        licence = (package["license"] or "").replace("/", " OR ")
        yield Component(
            type=ComponentType.LIBRARY,
            name=package["name"],
            version=package["version"],
            purl=url,
            bom_ref=url.to_string(),
            licenses=[LICENCES.make_with_expression(licence)] if licence else [],
        )


def parts_of_the_site() -> Iterator[Component]:
    """Whose scripts, styles and fonts the site carries."""
    [theme] = re.findall(r"^mkdocs-material==(\S+)$", SITE.read_text(), re.M)
    told = subprocess.run(["rustdoc", "--version"], capture_output=True, text=True, check=True)
    rustdoc = told.stdout.split()[1]
    for name, version, url, licence in (
        ("mkdocs-material", theme, PackageURL("pypi", None, "mkdocs-material", theme), "MIT"),
        ("rustdoc", rustdoc, PackageURL("generic", None, "rustdoc", rustdoc), RUSTDOCS_LICENCES),
    ):
        yield Component(
            type=ComponentType.LIBRARY,
            name=name,
            version=version,
            purl=url,
            bom_ref=url.to_string(),
            licenses=[LICENCES.make_with_expression(licence)],
            properties=[Property(name="matrix-devices:place", value="pages of the site")],
        )


def artefacts(folder: Path) -> Iterator[Component]:
    """The files themselves."""
    for path in sorted(folder.iterdir()):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        yield Component(
            type=ComponentType.FILE,
            name=path.name,
            bom_ref=f"file:{path.name}",
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)],
        )


def bill(version: str, commit: str, folder: Path, metadata: dict[str, Any]) -> Bom:
    """The whole of it."""
    whole = Component(
        type=ComponentType.LIBRARY,
        name="matrix-devices",
        version=version,
        bom_ref=f"matrix-devices@{version}",
        licenses=[LICENCES.make_with_expression("Apache-2.0")],
        properties=[Property(name="matrix-devices:commit", value=commit)],
    )
    made = Bom(serial_number=uuid.uuid5(uuid.NAMESPACE_OID, f"matrix-devices {version} {commit}"))
    made.metadata.component = whole
    made.metadata.timestamp = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), UTC)
    needed = [*system_libraries(), *crates(metadata), *parts_of_the_site()]
    for component in [*artefacts(folder), *needed]:
        made.components.add(component)
    made.register_dependency(whole, needed)
    return made


def main() -> int:
    """Write it, if it is what its schema asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--version", required=True)
    parser.add_argument("--commit", required=True)
    parser.add_argument("--artefacts", type=Path, required=True)
    parser.add_argument("--cargo", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    metadata = json.loads(given.cargo.read_text())
    made = bill(given.version, given.commit, given.artefacts, metadata)
    text = JsonV1Dot6(made).output_as_string(indent=1)
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if error is not None:
        print(f"this is no CycloneDX: {error}", file=sys.stderr)
        return 1
    given.out.write_text(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
