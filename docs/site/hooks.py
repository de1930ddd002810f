"""Of mkdocs, for site.css: each cell of a table knows its column, which a phone shows beside it;
an option keeps its dashes."""

import html
import re
from typing import Any

TABLE = re.compile(r"<table>.*?</table>", re.S)
HEADING = re.compile(r"<th[^>]*>(.*?)</th>", re.S)
ROW = re.compile(r"<tr>.*?</tr>", re.S)
TAGS = re.compile(r"<[^>]+>")
CODE = re.compile(r"<pre\b.*?</pre>|<code>.*?</code>", re.S)
OPTION = re.compile(r"(?<![\w-])--\w+")


def with_columns(table: str) -> str:
    columns = [html.escape(TAGS.sub("", heading), quote=True) for heading in HEADING.findall(table)]

    if len(columns) == 2:
        columns[1] = ""  # it goes without saying

    def label(row: re.Match[str]) -> str:
        rest = iter(columns)
        return re.sub(r"<td", lambda _: f'<td data-column="{next(rest, "")}"', row[0])

    return ROW.sub(label, table)


def with_options(code: str) -> str:
    if code.startswith("<pre"):  # which scrolls, or breaks where it must
        return code
    return OPTION.sub(r'<span class="option">\g<0></span>', code)


def on_page_content(content: str, **_: Any) -> str:
    content = CODE.sub(lambda code: with_options(code[0]), content)
    return TABLE.sub(lambda table: with_columns(table[0]), content)
