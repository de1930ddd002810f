"""conformance.html: one page for a person, which needs nothing but itself.

What comes from a homeserver is escaped, and the page's policy lets nothing run or load but its own
style and script.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from html import escape
from importlib import resources
from string import Template

from matrix_device_conformance.report.document import Document, called, cut
from matrix_device_conformance.verdicts import COLUMNS, VERDICTS

COLUMN_NAMES = {"specification": "Specification", "ours": "Ours"}
GIST = 100  # characters of the first failure that are seen before all are
MARKS = {"kept": "✓", "not kept": "✗", "not judged": "–"}


def render(document: Document) -> str:
    """The whole page."""
    style, script = part("page.css"), part("page.js")
    homeserver = document["homeserver"]
    return Template(part("page.html")).substitute(
        policy=f"default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; "
        f"style-src {digest(style)}; script-src {digest(script)}",
        homeserver=escape(called(homeserver)),
        url=escape(homeserver["url"]),
        facts=facts(document),
        scores="\n".join(score(document, column) for column in COLUMNS),
        rows="\n".join(table_row(row) for row in document["rows"]),
        example=escape(example(document)),
        suite=escape(document["suite"]),
        style=style,
        script=script,
    )


def part(name: str) -> str:
    """A part of the page, from beside this file."""
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def digest(text: str) -> str:
    """How a Content-Security-Policy names an inline style or script."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def facts(document: Document) -> str:
    """What was tested, when, under which limits."""
    date = document["date"]
    shown = f"{date[:10]} {date[11:16]} UTC"
    pairs = [
        ("Homeserver", f"<code>{escape(document['homeserver']['url'])}</code>"),
        ("Date", f'<time datetime="{date}">{shown}</time>'),
        ("Duration", f"{document['seconds']:.0f} s"),
    ]
    if document["limits"]:
        pairs.append(("Limits", escape(document["limits"])))
    return "\n".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in pairs)


def score(document: Document, column: str) -> str:
    """A column's counts, and a bar of them."""
    counts = {
        verdict: document["scores"][column][verdict.replace(" ", "_")] for verdict in VERDICTS
    }
    judged = counts["kept"] + counts["not kept"]
    said = ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS)
    total = sum(counts.values())
    bars, left = [], 0.0
    for verdict in VERDICTS:
        width = 1000 * counts[verdict] / total if total else 0
        bars.append(
            f'<rect class="bar-{name_of(verdict)}" x="{left:.1f}" width="{width:.1f}" height="14"/>'
        )
        left += width
    items = "".join(
        f"<li>{verdict_mark(verdict, f'{counts[verdict]} {verdict}')}</li>" for verdict in VERDICTS
    )
    return (
        f'<figure class="score"><figcaption><span>{COLUMN_NAMES[column]}</span> '
        f"<strong>{counts['kept']} of {judged} judged rows kept</strong></figcaption>"
        f'<svg role="img" aria-label="{COLUMN_NAMES[column]}: {said}" viewBox="0 0 1000 14" '
        f'preserveAspectRatio="none">{"".join(bars)}</svg><ul>{items}</ul></figure>'
    )


def name_of(verdict: str) -> str:
    """A verdict as the name of a class."""
    return verdict.replace(" ", "-")


def verdict_mark(verdict: str, text: str) -> str:
    """A verdict: by words and a sign, not by colour alone."""
    sign = f'<span aria-hidden="true">{MARKS[verdict]}</span>'
    return f'<span class="verdict {name_of(verdict)}">{sign} {text}</span>'


def example(document: Document) -> str:
    """A row to try again: one that is not kept, where there is one."""
    rows = document["rows"]
    not_kept = [row["row"] for row in rows if "not kept" in (row["specification"], row["ours"])]
    return str((not_kept or [row["row"] for row in rows] or ["D8"])[0])


def table_row(row: Document) -> str:
    """A row, and what was found about it."""
    name = escape(row["row"])
    title = with_code(row["title"])
    if row["section"]:
        title += f' <a href="{escape(row["section"])}">specification</a>'
    verdicts = "".join(verdict_cell(row, column) for column in COLUMNS)
    found = "".join(findings(row))
    details = f'<tr><td class="findings" colspan="4">{found}</td></tr>' if found else ""
    data = " ".join(f'data-{column}="{row[column] or ""}"' for column in COLUMNS)
    return (
        f'<tbody id="{name}" {data}><tr><th scope="row"><a href="#{name}">{name}</a></th>'
        f'<td class="title">{title}</td>{verdicts}</tr>{details}</tbody>'
    )


def with_code(text: str) -> str:
    """A title, in which code stands between backticks."""
    parts = escape(text).split("`")
    if len(parts) % 2 == 0:
        return escape(text)
    return "".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts))


def verdict_cell(row: Document, column: str) -> str:
    """A row's verdict in a column. On a phone, where columns have no heads, with its name."""
    verdict = row[column]
    if verdict is None:
        return f'<td class="in-{column}"></td>'
    within = f'<span class="within" aria-hidden="true">{COLUMN_NAMES[column]}</span>'
    return f'<td class="in-{column}">{within}{verdict_mark(verdict, verdict)}</td>'


def findings(row: Document) -> Iterable[str]:
    """Why it was not judged, whose bug it is, and what failed."""
    if row["reason"]:
        yield f'<p class="reason">{escape(row["reason"])}</p>'
    if row["peer_bug"]:
        yield f"<p>Bug of a peer: {escape(row['peer_bug'])}</p>"
    failed = [test for test in row["tests"] if test["failures"]]
    if failed:
        count = sum(len(test["failures"]) for test in failed)
        first = escape(cut(failed[0]["failures"][0]["what"], GIST))
        some = f"{count} failures, first:" if count > 1 else "1 failure:"
        yield f"<details><summary>{some} {first}</summary>"
        for test in failed:
            yield from test_part(test, row["title"])
        yield "</details>"


def test_part(test: Document, title: str) -> Iterable[str]:
    """A test's failures, each with the exchange behind it, and then the rest of what was said."""
    if test["title"] != title:
        yield f"<p><strong>{with_code(test['title'])}</strong></p>"
    exchanges = test["exchanges"]
    for failure in test["failures"]:
        yield f'<div class="failure"><p>{escape(failure["what"])} '
        yield f'<span class="label">({escape(failure["basis"])})</span></p><div class="sides">'
        for side in ("expected", "got"):
            yield f'<div><p class="label">{side}</p><pre>{escape(failure[side])}</pre></div>'
        yield "</div>"
        if failure["exchange"] is not None:
            yield exchange_part(exchanges[failure["exchange"]])
        yield "</div>"
    if exchanges:
        yield f"<details><summary>All that this test sent: {len(exchanges)}</summary>"
        yield from (exchange_part(exchange) for exchange in exchanges)
        yield "</details>"


def exchange_part(exchange: Document) -> str:
    """A request and its answer, folded in."""
    status = exchange["status"] or "no answer"
    request = message(
        f"{exchange['method']} {exchange['target']}",
        exchange["request_headers"],
        exchange["request_body"],
    )
    answer = message(str(status), exchange["response_headers"], exchange["response_body"])
    return (
        f"<details><summary><code>{escape(exchange['method'])} {escape(exchange['target'])}</code> "
        f"{status}, {exchange['ms']} ms</summary>"
        f'<p class="label">Request</p><pre class="message">{request}</pre>'
        f'<p class="label">Answer</p><pre class="message">{answer}</pre></details>'
    )


def message(first: str, headers: Iterable[tuple[str, str]], body: str) -> str:
    """As it goes over the wire."""
    lines = [first, *(f"{name}: {value}" for name, value in headers), ""]
    return escape("\n".join([*lines, body]).rstrip())
