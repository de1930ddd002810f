"""conformance.md: scores and a table of the rows, to read and to put beside a change."""

from __future__ import annotations

import re
from collections.abc import Iterable

from matrix_device_conformance.report.document import Document, called, cut
from matrix_device_conformance.verdicts import COLUMNS, NOT_JUDGED, NOT_KEPT

CELL = 300  # characters; the whole text is in conformance.json and conformance.html
COLUMN_NAMES = {"specification": "Specification", "ours": "Ours"}


def render(document: Document) -> str:
    """The whole file."""
    homeserver = document["homeserver"]
    lines = [
        f"# Device conformance of {inline(called(homeserver))}",
        "",
        f"{code(homeserver['url'])}, {document['date']}, {document['seconds']:.0f} s, "
        f"matrix-device-conformance {document['suite']}. {inline(document['limits'])}".rstrip(),
        "",
        "| | kept | not kept | not judged |",
        "|---|---:|---:|---:|",
    ]
    for column in COLUMNS:
        score = document["scores"][column]
        lines.append(
            f"| {COLUMN_NAMES[column]} | {score['kept']} | {score['not_kept']} "
            f"| {score['not_judged']} |"
        )
    lines += [
        "",
        "*Specification*: what the Matrix specification asks for. *Ours*: what it leaves open and "
        "the rows decide; a homeserver that does not keep those keeps the specification.",
        "",
        "| row | what | specification | ours | what was found |",
        "|---|---|---|---|---|",
    ]
    lines += [table_row(row) for row in document["rows"]]
    return "\n".join(lines) + "\n"


def table_row(row: Document) -> str:
    """A line of the table."""
    title = inline(row["title"])
    cells = [
        row["row"],
        f"[{title}]({row['section']})" if row["section"] else title,
        *(verdict_cell(row[column]) for column in COLUMNS),
        "<br>".join(found(row)),
    ]
    return f"| {' | '.join(cells)} |"


def verdict_cell(verdict: str | None) -> str:
    """What is not kept stands out."""
    if verdict is None:
        return ""
    return f"**{verdict}**" if verdict == NOT_KEPT else verdict


def found(row: Document) -> Iterable[str]:
    """What was got, and why not all was judged."""
    if row["peer_bug"]:
        yield f"Bug of a peer: {inline(row['peer_bug'])}"
    for test in row["tests"]:
        for failure in test["failures"]:
            basis = "" if row[other(failure["basis"])] is None else f" ({failure['basis']})"
            yield (
                f"{inline(failure['what'])}{basis}: expected {code(failure['expected'])}, "
                f"got {code(failure['got'])}"
            )
    if row["reason"]:
        prefix = "" if NOT_JUDGED in row["reason"] else "Not judged: "
        yield prefix + inline(row["reason"])


def other(column: str) -> str:
    """The column that this one is not."""
    return next(name for name in COLUMNS if name != column)


def one_line(text: str) -> str:
    """Fit for a cell."""
    return cut(" ".join(text.split()), CELL)


def inline(text: str) -> str:
    """Text in which nothing is Markdown or HTML, but for code between backticks."""
    parts = one_line(text).split("`")
    if len(parts) % 2 == 0:  # a backtick that is not closed
        return re.sub(r"([\\`*_{}\[\]<>|~#&])", r"\\\1", one_line(text))
    for i, part in enumerate(parts):
        parts[i] = code(part) if i % 2 else re.sub(r"([\\`*_{}\[\]<>|~#&])", r"\\\1", part)
    return "".join(parts)


def code(text: str) -> str:
    """Text as code, whatever backticks and pipes are in it."""
    line = one_line(text).replace("|", "\\|")
    if not line:
        return "nothing"
    fence = "`" * (max((len(run) for run in re.findall("`+", line)), default=0) + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}"
