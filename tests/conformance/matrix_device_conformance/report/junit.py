"""conformance.xml: what readers of JUnit's reports understand. A suite a column, a case a row."""

from __future__ import annotations

from xml.etree import ElementTree

from matrix_device_conformance.report.document import Document, called
from matrix_device_conformance.verdicts import COLUMNS, NOT_JUDGED, NOT_KEPT

NAME = "matrix_device_conformance"


def render(document: Document) -> str:
    """The whole file."""
    root = ElementTree.Element("testsuites", name=NAME)
    suites = [suite_of(document, column) for column in COLUMNS]
    for count in ("tests", "failures", "errors", "skipped"):
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in suites)))
    root.set("time", f"{document['seconds']:.3f}")
    root.extend(suites)
    ElementTree.indent(root)
    return "<?xml version='1.0' encoding='utf-8'?>\n" + ElementTree.tostring(root, "unicode") + "\n"


def suite_of(document: Document, column: str) -> ElementTree.Element:
    """The rows that have a verdict in this column."""
    score = document["scores"][column]
    homeserver = document["homeserver"]
    suite = ElementTree.Element(
        "testsuite",
        name=f"{NAME}.{column}",
        tests=str(sum(score.values())),
        failures=str(score["not_kept"]),
        errors="0",
        skipped=str(score["not_judged"]),
        time=f"{sum(seconds_of(row, column) for row in document['rows']):.3f}",
        timestamp=document["date"].removesuffix("Z"),
        hostname=homeserver["url"],
    )
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in (
        ("homeserver", called(homeserver)),
        ("suite", document["suite"]),
        ("limits", document["limits"]),
    ):
        ElementTree.SubElement(properties, "property", name=name, value=value)
    for row in document["rows"]:
        if row[column] is not None:
            suite.append(case_of(row, column))
    return suite


def seconds_of(row: Document, column: str) -> float:
    """How long a row took; told once where it stands in both columns."""
    first = next(name for name in COLUMNS if row[name] is not None)
    return float(sum(test["seconds"] for test in row["tests"])) if column == first else 0.0


def case_of(row: Document, column: str) -> ElementTree.Element:
    """A row."""
    case = ElementTree.Element(
        "testcase",
        classname=f"{NAME}.{column}",
        name=f"{row['row']} {row['title']}",
        time=f"{seconds_of(row, column):.3f}",
    )
    if row[column] == NOT_KEPT:
        failures = [
            failure
            for test in row["tests"]
            for failure in test["failures"]
            if failure["basis"] == column
        ]
        texts = [
            f"{failure['what']}\n  expected: {failure['expected']}\n  got:      {failure['got']}"
            for failure in failures
        ]
        if row["peer_bug"]:
            texts.append(f"Bug of a peer: {row['peer_bug']}")
        if row["section"]:
            texts.append(row["section"])
        failure = ElementTree.SubElement(
            case, "failure", message=failures[0]["what"], type="not kept"
        )
        failure.text = "\n".join(texts)
    elif row[column] == NOT_JUDGED:
        ElementTree.SubElement(case, "skipped", message=row["reason"])
    return case
