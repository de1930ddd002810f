"""The four forms of a report: right, well-formed, and harmless whatever a homeserver has sent."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
import sample

from matrix_device_conformance import report
from matrix_device_conformance.redaction import Redactor
from matrix_device_conformance.report.document import Document, printable
from matrix_device_conformance.verdicts import (
    NOT_JUDGED,
    NOT_KEPT,
    SPECIFICATION,
    Exchange,
    Failure,
    TestResult,
)

HOSTILE = (
    "</pre></script><script>alert(1)</script> | `x` \x1b[2J\x00\r\n\u202e\ud800 & ]]> <!-- $url"
)
SCHEMA = json.loads(
    resources.files("matrix_device_conformance.report").joinpath("schema.json").read_text()
)


def hostile_run() -> report.Run:
    """Every text that a homeserver has a say in is hostile."""
    run = sample.run()
    exchange = Exchange(
        "POST", HOSTILE, [(HOSTILE, HOSTILE)], HOSTILE, 200, [(HOSTILE, HOSTILE)], HOSTILE, 1
    )
    failures = [Failure(HOSTILE, HOSTILE, HOSTILE * 900, SPECIFICATION, 0)]
    run.results.append(
        TestResult("test_D1_x", "D1", "one", NOT_KEPT, HOSTILE, 0, {SPECIFICATION}, failures)
    )
    run.results[-1].exchanges.append(exchange)
    run.results.append(TestResult("test_D2_x", "D2", "two", NOT_JUDGED, HOSTILE))
    run.name = run.version = run.limits = run.url = HOSTILE
    return run


@pytest.fixture(params=[sample.run, hostile_run], ids=["sample", "hostile"])
def document(request: pytest.FixtureRequest) -> Document:
    """A run as plain data."""
    return report.document(request.param(), Redactor())


@pytest.fixture
def sample_document() -> Document:
    """The run with every kind of verdict."""
    return report.document(sample.run(), Redactor())


def test_the_json_keeps_its_schema(document: Document) -> None:
    """Which is strict: each member is described there."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    again = json.loads(report.FORMATS["json"](document))
    jsonschema.validate(again, SCHEMA)
    assert again == document


def test_the_json_says_what_was_found(sample_document: Document) -> None:
    """Verdicts, scores, the known bug that was seen and not the one that was not."""
    assert sample_document["scores"] == {
        "specification": {"kept": 3, "not_kept": 1, "not_judged": 0},
        "ours": {"kept": 1, "not_kept": 1, "not_judged": 1},
    }
    assert sample_document["date"] == "2026-03-14T15:09:26Z"
    rows = {row["row"]: row for row in sample_document["rows"]}
    d8 = rows["D8"]
    assert (d8["specification"], d8["ours"]) == ("not kept", "not kept")
    assert d8["peer_bug"] == "Dendrite: an empty list is all devices"
    assert [len(test["exchanges"]) for test in d8["tests"]] == [2, 0]
    assert [len(test["exchanges"]) for test in rows["D9"]["tests"]] == [0], "it is kept"
    for secret in ("hunter2", "crumbs", "ApFqXcVbNmKj"):
        assert secret not in json.dumps(sample_document)


# What readers of JUnit's reports take: element, attributes that must be there, and may.
JUNIT = {
    "testsuites": ({"name", "tests", "failures", "errors", "skipped", "time"}, set()),
    "testsuite": (
        {"name", "tests", "failures", "errors", "skipped", "time", "timestamp"},
        {"hostname"},
    ),
    "properties": (set(), set()),
    "property": ({"name", "value"}, set()),
    "testcase": ({"classname", "name", "time"}, set()),
    "failure": ({"message", "type"}, set()),
    "skipped": ({"message"}, set()),
}
WITHIN = {
    "testsuites": ["testsuite"],
    "testsuite": ["properties", "testcase"],
    "properties": ["property"],
    "testcase": ["failure", "skipped"],
}


def expect_junit(element: ElementTree.Element) -> None:
    """This element and those in it are what readers know."""
    required, optional = JUNIT[element.tag]
    names = set(element.keys())
    assert required <= names <= required | optional, element.tag
    for name in names & {"tests", "failures", "errors", "skipped"}:
        assert re.fullmatch(r"\d+", element.get(name, "")), name
    if "time" in names:
        assert re.fullmatch(r"\d+\.\d+", element.get("time", ""))
    for child in element:
        assert child.tag in WITHIN.get(element.tag, []), f"{child.tag} in {element.tag}"
        expect_junit(child)


def test_junit_is_what_its_readers_know(document: Document) -> None:
    """Elements, attributes, counts that are right, and names that are told apart."""
    root = ElementTree.fromstring(report.FORMATS["xml"](document))
    expect_junit(root)
    for suite in root:
        cases = suite.findall("testcase")
        assert suite.get("tests") == str(len(cases))
        assert suite.get("failures") == str(len(suite.findall("testcase/failure")))
        assert suite.get("skipped") == str(len(suite.findall("testcase/skipped")))
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.get("timestamp", ""))
        assert len({case.get("name") for case in cases}) == len(cases)
    for count in ("tests", "failures", "skipped"):
        assert root.get(count) == str(sum(int(suite.get(count, "")) for suite in root))


def test_junit_says_what_failed_and_why_not(sample_document: Document) -> None:
    """A case a row and column."""
    root = ElementTree.fromstring(report.FORMATS["xml"](sample_document))
    failure = root.find("testsuite[1]/testcase[2]/failure")
    assert failure is not None
    assert failure.get("message") == "devices left"
    assert "expected: {'A', 'B'}\n  got:      set()" in (failure.text or "")
    assert "the challenge" not in (failure.text or ""), "which is of the other suite"
    skipped = root.find("testsuite[2]/testcase/skipped")
    assert skipped is not None
    assert skipped.get("message") == "no answer within 60 s to POST /delete_devices"


def test_the_table_has_a_line_a_row(document: Document) -> None:
    """With five cells, whatever stands in them."""
    lines = report.FORMATS["md"](document).splitlines()
    head = lines.index("| row | what | specification | ours | what was found |")
    table = lines[head + 2 :]
    assert len(table) == len(document["rows"])
    for line in table:
        assert len(re.findall(r"(?<!\\)\|", line)) == 6, line
        outside_code = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", line).replace("<br>", "")
        assert not re.search(r"(?<!\\)<", outside_code), line


class Page(HTMLParser):
    """Elements, attributes and texts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note it."""
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in ("meta", "link", "input", "rect"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note it."""
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        """It closes what was opened last."""
        assert self.open, tag
        assert self.open.pop() == tag


def test_the_page_is_whole_and_alone(document: Document) -> None:
    """Each element is closed, there is one script, and nothing is fetched or run from elsewhere."""
    text = report.FORMATS["html"](document)
    page = Page(text)
    assert page.open == []
    assert page.tags.count("script") == 1
    assert page.tags.count("tbody") == len(document["rows"])
    for name, value in page.attributes:
        assert not name.startswith("on"), name
        assert name not in ("src", "srcset", "style", "action"), name
        if name == "href":
            assert value is not None
            assert value.startswith(("#", "https://spec.matrix.org/", "data:,"))
    ids = [value for name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    assert re.findall(r"url\(|@import", text) == []


@pytest.mark.parametrize(
    ("name", "version", "called"),
    [
        ("Synapse", "1.163.2", "Synapse 1.163.2"),
        ("Synapse", "unknown", "Synapse"),
        ("unknown", "unknown", "https://matrix.example.org"),
    ],
)
def test_a_homeserver_is_called_what_it_says(name: str, version: str, called: str) -> None:
    """Or by its URL, where it does not say."""
    run = sample.run()
    run.name, run.version = name, version
    made = report.document(run, Redactor())
    assert f"<title>Device conformance of {called}</title>" in report.FORMATS["html"](made)
    assert report.FORMATS["md"](made).startswith(f"# Device conformance of {called}\n")
    assert f'name="homeserver" value="{called}"' in report.FORMATS["xml"](made)


def test_what_is_no_character_is_written_out(document: Document, tmp_path: Path) -> None:
    """Nothing steers a terminal or turns the direction of a line; all is UTF-8."""
    for path in report.write(tmp_path, document):
        text = path.read_text(encoding="utf-8")
        assert text == printable(text), path.name
    hostile: Any = [row for row in document["rows"] if row["row"] == "D1"]
    for row in hostile:
        assert r"\x1b[2J\x00" in row["tests"][0]["failures"][0]["what"]
        assert r"\u202e\ud800" in row["tests"][0]["failures"][0]["what"]


def test_long_texts_are_cut(tmp_path: Path) -> None:
    """After what is secret was taken out, so that no half of it is left."""
    run = sample.run()
    secret = "a-secret-of-thirty-characters-"
    redactor = Redactor()
    redactor.add(secret, "token")
    failure = Failure("x", "y", "z" * 4090 + secret + "z" * 100, SPECIFICATION)
    run.results = [TestResult("t", "D1", "t", NOT_KEPT, failures=[failure])]
    made = report.document(run, redactor)
    got = made["rows"][0]["tests"][0]["failures"][0]["got"]
    assert got == "z" * 4090 + "[token… (103 more characters)"
