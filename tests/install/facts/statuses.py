"""Which statuses each callback has, and which callbacks are mandatory."""

import re

from .tree import HEADER, Tree, found, table_after

GUIDE = "docs/host_guide.md"
PYTHON = "docs/python.md"

# What every callback may be completed with (module.h, convention 7).
FOR_ALL = {"OK", "HOST_ERROR", "UNAVAILABLE", "TIMEOUT", "CANCELLED", "NO_MEMORY", "INTERNAL"}


def statuses_of_header(header: str) -> tuple[dict[str, set[str]], set[str]]:
    """What each question lists, and which callbacks are mandatory."""
    known = set(re.findall(r"#define MXD_(\w+) +\(?-?\d+\)?", header.split("---- Log levels")[0]))
    host = header[header.index("typedef struct mxd_host {") : header.index("} mxd_host;")]
    lists: dict[str, set[str]] = {}
    mandatory = set()
    comments = re.findall(r"/\*((?:(?!\*/).)*)\*/\s*[\w ]+\*?\(\*(\w+)\)\(([^)]*)\)", host, re.S)
    for comment, name, arguments in found(comments, HEADER, 15):
        if comment.startswith(" M. "):
            mandatory.add(name)
        if "mxd_op op, mxd_cookie principal" in " ".join(arguments.split()):
            lists[name] = (set(re.findall(r"\b[A-Z_]+\b", comment)) & known) - FOR_ALL
    return lists, mandatory


def statuses_of_module(tree: Tree) -> dict[str, set[str]]:
    """What the constructors of the questions in module/host/ say. One that has two callbacks
    chooses the name and the statuses by the same condition."""
    lists = {}
    for path in tree.files("module/host/*_call.cc", "module/host/*_calls.cc"):
        for arguments in re.findall(r"HostCall\(line,(.*?)WhenCancelled::", path.read_text(), re.S):
            names = re.findall(r'"(\w+)"', arguments)
            statuses = arguments[arguments.rindex('"') + 1 :].strip(", \n")
            parts = re.split(r"\?|(?<!:):(?!:)", statuses)[1:] if len(names) == 2 else [statuses]
            for name, part in zip(names, parts, strict=True):
                lists[name] = set(re.findall(r"MXD_(\w+)", part))
    return lists


def statuses_of_python(tree: Tree) -> dict[str, set[str]]:
    """What the methods of a host in Python may raise; that a device is new one of them returns."""
    lists = {}
    for method, _returns, raises in table_after(tree.text(PYTHON), "python statuses"):
        name = method.strip("`").partition("(")[0]
        errors = re.findall(r"`([A-Z]\w+)", raises)
        lists[name] = {re.sub(r"(?<=[a-z])(?=[A-Z])", "_", error).upper() for error in errors}
    lists.pop("now_ms")
    lists["put_device"].add("CREATED")
    return lists


def check_statuses(tree: Tree) -> None:
    header, mandatory = statuses_of_header(tree.text(HEADER))
    module = statuses_of_module(tree)
    guide: dict[str, set[str]] = {}
    mandatory_in_guide = set()
    for callbacks, kind, _emits, statuses in table_after(tree.text(GUIDE), "statuses"):
        for name in re.findall(r"`(\w+)`", callbacks):
            guide[name] = set(re.findall(r"`([A-Z_]+)`", statuses))
            if kind == "mandatory":
                mandatory_in_guide.add(name)
    python = statuses_of_python(tree)
    tree.expect_equal(
        "questions", header=sorted(header), module=sorted(module), python=sorted(python)
    )
    for name in header:
        tree.expect_equal(
            f"statuses of {name}",
            header=sorted(header[name]),
            module=sorted(module.get(name, ())),
            guide=sorted(guide.get(name, ("not there",))),
            python=sorted(python.get(name, ("not there",))),
        )
    refused = re.findall(
        r'\{"(\w+)", host_\.\1 != nullptr\}', tree.text("module/host/host_table.cc")
    )
    tree.expect_equal(
        "mandatory callbacks",
        header=sorted(mandatory),
        module=sorted(refused),
        guide=sorted(mandatory_in_guide),
    )
