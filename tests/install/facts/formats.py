"""The state of a session, and the digest of a body."""

import re

from .tree import Tree, table_after

CONTRACT = "docs/contract.md"


def check_formats(tree: Tree) -> None:
    contract = tree.text(CONTRACT)
    session = tree.text("module/auth/session.cc")
    names = dict(re.findall(r'constexpr std::string_view (k\w+) = "(\w+)";', session))
    known = re.search(r"kKnown\[\] = \{(.*?)\}", session, re.S)
    members = [names[name] for name in re.findall(r"k\w+", known[1] if known else "")]
    table = [cells[0].strip("`") for cells in table_after(contract, "state")]
    tree.expect_equal("members of a state", module=sorted(members), contract=sorted(table))

    digest = tree.text("module/http/json_digest.cc")
    letters = re.findall(r"\b(?:tag|text|number)\('(\w)',", digest)
    described = []
    for _value, bytes_ in table_after(contract, "digest"):
        described += re.findall(r"`(\w)`", bytes_)
    tree.expect_equal("letters of a digest", module=sorted(letters), contract=sorted(described))
