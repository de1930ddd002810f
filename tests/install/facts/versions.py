"""Which Synapse, which Python and which Debian the documents name."""

import re

from .tree import Tree, found

COMPATIBILITY = "bindings/python/matrix_devices/synapse/compatibility.py"
VERSIONING = "docs/versioning.md"
IMAGE = "synapse.Dockerfile"


def check_versions(tree: Tree) -> None:
    source = tree.text(COMPATIBILITY)
    bounds = {
        name: (int(major), int(minor))
        for name, major, minor in re.findall(r"^(OLDEST|BEFORE) = \((\d+), (\d+)\)", source, re.M)
    }
    oldest, before = bounds["OLDEST"], bounds["BEFORE"]
    known = f"{oldest[0]}.{oldest[1]} to {before[0]}.{before[1] - 1}"
    ranges = []
    for path in tree.files("*.md", "docs/*.md"):
        for named in re.findall(r"\b\d+\.\d{3} to \d+\.\d{3}\b", path.read_text()):
            ranges.append(named)
            tree.expect_equal(f"{path.name}: versions of Synapse", code=known, document=named)
    found(ranges, "versions of Synapse in the documents", 3)

    tested = re.findall(r"^(\d+\.\d+\.\d+)", tree.text("tests/synapse/versions.txt"), re.M)
    named = re.findall(r"tested with ([\d.]+\d) and ([\d.]+\d)", tree.text("docs/synapse.md")) or [
        ()
    ]
    tree.expect_equal("tested Synapses", tests=sorted(tested), document=sorted(named[0]))

    image = re.search(r"^ARG SYNAPSE=v(.*)$", tree.text(IMAGE), re.M)
    tree.expect_equal("the newest Synapse", tests=tested[0], image=image and image[1])

    pythons = re.search(r"\| CPython ([\d., and]+) \|([^|]*)\|", tree.text(VERSIONING))
    document = re.findall(r"3\.\d+", "".join(pythons.groups())) if pythons else []
    classified = re.findall(r'Python :: (3\.\d+)"', tree.text("pyproject.toml"))
    tree.expect_equal("Pythons", pyproject=sorted(classified), document=sorted(document))
