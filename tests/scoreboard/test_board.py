"""What of a report goes on the board, and how the board is shown."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

import judge
from board import (
    KEPT,
    NOT_JUDGED,
    NOT_KEPT,
    RANDOM,
    Board,
    Homeserver,
    load,
    rows_of,
    save,
    standing_of,
)
from document import files, render
from homeservers import homeservers
from picture import render as render_picture

SECTION = "https://spec.matrix.org/v1.17/client-server-api/#x"
HOMESERVER = Homeserver("one", "One | 1.0", "1.0")


def row(name: str, specification: str | None, ours: str | None, got: str = "") -> dict[str, Any]:
    failures = [{"what": "status", "got": got, "expected": "200", "basis": "ours"}] if got else []
    return {
        "row": name,
        "title": f"Title | of {name}",
        "section": SECTION if specification else None,
        "specification": specification,
        "ours": ours,
        "reason": "",
        "tests": [{"failures": failures}],
    }


def report(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"date": "2026-11-28T01:02:03Z", "suite": "1.0.0", "rows": list(rows)}


def board_of(**reports: dict[str, Any]) -> Board:
    board = Board({}, {})
    for key, found in reports.items():
        board.rows |= rows_of(found)
        board.standings[key] = standing_of(HOMESERVER, found)
    return board


FOUND = report(
    row("D10", KEPT, NOT_KEPT, got="it `said` | AAAAAAAAAA @alice_0123abcd7:example.org"),
    row("D2", KEPT, None),
    row("R1", None, NOT_JUDGED),
)


def test_scores_count_each_verdict_of_each_column() -> None:
    standing = standing_of(HOMESERVER, FOUND)
    assert standing.score("specification") == {KEPT: 2, NOT_KEPT: 0, NOT_JUDGED: 0}
    assert standing.score("ours") == {KEPT: 0, NOT_KEPT: 1, NOT_JUDGED: 1}


def test_what_came_has_nothing_that_differs_from_run_to_run() -> None:
    assert standing_of(HOMESERVER, FOUND).got == {"D10": "status: it `said` | … @…:example.org"}


@pytest.mark.parametrize(
    ("got", "shown"),
    [
        ('{"device_id":"bClBx46q","x":1}', '{"device_id":"…","x":1}'),
        ('{"device_id":"DWNO9ouz"},{"device_id":"MINE"}', '{"device_id":"…"},{"device_id":"MINE"}'),
        ("['keye272cc24182']", "['…']"),
        ("[session 165], [token 12]", "[session …], [token …]"),
        ("6 of 20 with a part, such as 1000 of 2000", "… with a part, such as … of 2000"),
        ("1761000000000, 127.0.0.1:4321, 60 created", "…, 127.0.0.1:…, 60 created"),
    ],
)
def test_what_differs_from_run_to_run_is_left_out(got: str, shown: str) -> None:
    found = report(row("D1", NOT_KEPT, None, got=got))
    assert standing_of(HOMESERVER, found).got == {"D1": f"status: {shown}"}


def test_what_is_stored_has_nothing_that_differs_from_run_to_run() -> None:
    for standing in load().standings.values():
        for text in standing.got.values():
            assert RANDOM.sub("…", text) == text


def test_what_is_saved_is_what_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "board.json"
    save(board_of(two=FOUND, one=FOUND), ["one", "two"], path)
    board = load(path)
    assert list(board.standings) == ["one", "two"]
    assert list(board.rows) == ["D2", "D10", "R1"]
    assert board.standings["one"] == standing_of(HOMESERVER, FOUND)


def test_a_homeserver_that_is_no_longer_run_goes(tmp_path: Path) -> None:
    save(board_of(gone=FOUND), ["one"], tmp_path / "board.json")
    assert load(tmp_path / "board.json").standings == {}


def test_a_row_is_in_the_columns_that_it_has() -> None:
    lines = render(board_of(one=FOUND)).splitlines()
    assert f"| D2 | [Title \\| of D2]({SECTION}) | ✓ |" in lines
    assert "| D10 | Title \\| of D10 | **✗** |" in lines
    assert "| R1 | Title \\| of R1 | ? |" in lines
    assert sum(line.startswith("| D2 |") for line in lines) == 1


def test_every_row_of_a_table_has_its_cells() -> None:
    cells = 0
    for line in render(board_of(one=FOUND)).splitlines():
        if not line.startswith("|"):
            cells = 0
            continue
        found = line.replace("\\|", "").count("|")
        assert cells in (0, found), line
        cells = found


def test_the_picture_is_svg_and_has_the_numbers_in_words() -> None:
    picture = ElementTree.fromstring(render_picture(board_of(one=FOUND, two=FOUND)))
    space = {"svg": "http://www.w3.org/2000/svg"}
    words = picture.findtext("svg:desc", namespaces=space)
    assert words is not None
    assert words.count("2 of 2 of the specification, 0 of 1 of ours") == 2
    widths = {"kept": 0, "missed": 0, "unjudged": 0}
    for bar in picture.iterfind("svg:rect", space):
        if bar.get("class") in widths and bar.get("height") == "14":
            widths[bar.get("class") or ""] += int(bar.get("width") or 0)
    assert widths["missed"] == widths["unjudged"] > 0
    assert widths["kept"] > widths["missed"]


def test_the_picture_is_for_light_and_dark_pages() -> None:
    picture = render_picture(board_of(one=FOUND))
    light, dark = picture.split("@media (prefers-color-scheme: dark)")
    for name in ("text", ".page", ".kept", ".missed", ".unjudged"):
        assert f"{name} {{" in light
        assert f"{name} {{" in dark


def test_it_is_written_beside_the_verdicts(tmp_path: Path) -> None:
    names = {path.name for path in files(board_of(one=FOUND), tmp_path)}
    assert names == {"scoreboard.md", "scoreboard.svg"}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (row("D2", NOT_KEPT, None, got="500"), "D2, specification: kept on the board, not kept"),
        (row("D2", NOT_JUDGED, None), "D2, specification: kept on the board, not judged here"),
        (row("D2", KEPT, KEPT), "D2, ours: nothing on the board, kept here"),
    ],
)
def test_a_verdict_that_changes_is_a_difference(changed: dict[str, Any], expected: str) -> None:
    kept = standing_of(HOMESERVER, FOUND)
    rows = [changed if each["row"] == "D2" else each for each in FOUND["rows"]]
    found = judge.differences(kept, standing_of(HOMESERVER, report(*rows)))
    assert len(found) == 1
    assert found[0].startswith(expected)


def test_a_row_that_comes_or_goes_is_a_difference() -> None:
    kept = standing_of(HOMESERVER, FOUND)
    fewer = standing_of(HOMESERVER, report(*FOUND["rows"][1:]))
    assert len(judge.differences(kept, fewer)) == 2
    assert len(judge.differences(fewer, kept)) == 2
    assert judge.differences(kept, kept) == []


def test_a_row_that_there_was_no_time_for_is_no_difference() -> None:
    late = row("D2", NOT_JUDGED, None) | {"reason": "1 of 2 tests not judged: not done within 60 s"}
    found = report(late, *(each for each in FOUND["rows"] if each["row"] != "D2"))
    kept, now = standing_of(HOMESERVER, FOUND), standing_of(HOMESERVER, found)
    assert judge.out_of_time(found) == {"D2"}
    assert judge.differences(kept, now, judge.out_of_time(found)) == []
    broken = late | {"specification": NOT_KEPT}
    assert judge.out_of_time(report(broken)) == set()


def test_a_row_that_there_was_no_time_for_changes_nothing_on_the_board() -> None:
    late = row("D2", NOT_JUDGED, None) | {"reason": "1 of 1 tests not judged: not done within 60 s"}
    found = report(late, *(each for each in FOUND["rows"] if each["row"] != "D2"))
    assert judge.unsettled(board_of(one=FOUND), HOMESERVER, found) == ["D2"]
    assert judge.unsettled(board_of(one=found), HOMESERVER, found) == [], "as it always is"
    assert judge.unsettled(board_of(), HOMESERVER, found) == ["D2"]
    newer = Homeserver("one", "One | 2.0", "2.0")
    assert judge.unsettled(board_of(one=found), newer, found) == ["D2"]
    assert judge.unsettled(board_of(one=FOUND), HOMESERVER, FOUND) == []


def judged(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["judge.py", *arguments])
    return judge.main()


def test_a_report_is_compared_with_the_stored_board(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stored = load()
    rows = [
        row(name, of.get("specification"), of.get("ours"))
        for name, of in stored.standings["server_sqlite"].verdicts.items()
    ]
    file = tmp_path / "conformance.json"
    file.write_text(json.dumps(report(*rows)))
    assert judged(monkeypatch, "server_sqlite", str(tmp_path)) == 0
    file.write_text(json.dumps(report(*rows[1:])))
    assert judged(monkeypatch, "server_sqlite", str(tmp_path)) == 1
    assert "make scoreboard ONLY=server_sqlite" in capsys.readouterr().err


def test_a_report_that_is_not_there_is_skipped_and_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert judged(monkeypatch, "server_postgres", str(tmp_path)) == judge.SKIPPED
    assert "SKIP: " in capsys.readouterr().out


def test_who_is_not_known_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert judged(monkeypatch, "nobody", str(tmp_path)) == 2
    assert "server_sqlite" in capsys.readouterr().err


def test_the_board_has_every_homeserver_of_the_version_that_is_pinned() -> None:
    pinned = {key: (each.name, each.version) for key, each in homeservers().items()}
    stored = {key: (each.name, each.version) for key, each in load().standings.items()}
    assert stored == pinned
