"""docs/scoreboard.svg: how many rows each homeserver keeps, a bar for each column.

One file for a light and a dark page: its colours follow the reader's setting, and it has its own
background where a page does not.
"""

from __future__ import annotations

from xml.sax.saxutils import escape

from board import COLUMNS, KEPT, NOT_JUDGED, NOT_KEPT, Board, Standing

ORDER = (KEPT, NOT_KEPT, NOT_JUDGED)
CLASS = {KEPT: "kept", NOT_KEPT: "missed", NOT_JUDGED: "unjudged"}
HEADS = {"specification": "The specification", "ours": "What it leaves open (ours)"}

WIDTH = 860
MARGIN = 24
BAR_LEFT = {"specification": 300, "ours": 620}
BAR_WIDTH = {"specification": 230, "ours": 150}
BAR_HEIGHT = 14
LINE = 26
TOP = 92
LEGEND_STEP = 110

STYLE = """
text { font: 13px system-ui, "Segoe UI", "Liberation Sans", Arial, sans-serif; fill: #1f2328; }
.title { font-size: 16px; font-weight: 600; }
.head { font-weight: 600; }
.number { font-variant-numeric: tabular-nums; }
.page { fill: #ffffff; stroke: #d0d7de; }
.kept { fill: #2668b0; }
.missed { fill: #c8501e; }
.unjudged { fill: #b9c0c8; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .page { fill: #0d1117; stroke: #30363d; }
  .kept { fill: #58a6ff; }
  .missed { fill: #f0883e; }
  .unjudged { fill: #4b535d; }
}
""".strip()


def text(x: int, y: int, words: str, css: str = "", anchor: str = "start") -> str:
    """A line of text."""
    attributes = f' class="{css}"' if css else ""
    attributes += f' text-anchor="{anchor}"' if anchor != "start" else ""
    return f'<text x="{x}" y="{y}"{attributes}>{escape(words)}</text>'


def bar(standing: Standing, column: str, y: int, full: int) -> list[str]:
    """The verdicts of a column, one behind the other, and how many are kept of those judged."""
    left, width = BAR_LEFT[column], BAR_WIDTH[column]
    score = standing.score(column)
    lines, done = [], 0
    for verdict in ORDER:
        x0, x1 = (left + round(width * count / full) for count in (done, done + score[verdict]))
        done += score[verdict]
        if x1 > x0:
            lines.append(
                f'<rect class="{CLASS[verdict]}" x="{x0}" y="{y - BAR_HEIGHT + 2}"'
                f' width="{x1 - x0}" height="{BAR_HEIGHT}"/>'
            )
    judged = score[KEPT] + score[NOT_KEPT]
    lines.append(text(left + width + 8, y, f"{score[KEPT]} of {judged}", "number"))
    return lines


def described(board: Board) -> str:
    """The picture in words."""
    found = []
    for standing in board.standings.values():
        scores = [standing.score(column) for column in COLUMNS]
        words = [f"{score[KEPT]} of {score[KEPT] + score[NOT_KEPT]}" for score in scores]
        found.append(f"{standing.name}: {words[0]} of the specification, {words[1]} of ours")
    return "; ".join(found) + "."


def render(board: Board) -> str:
    """The whole file."""
    height = TOP + LINE * len(board.standings) + MARGIN // 2
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"'
        f' width="{WIDTH}" height="{height}" role="img" aria-labelledby="title words">',
        '<title id="title">Rows kept, by homeserver</title>',
        f'<desc id="words">{escape(described(board))}</desc>',
        f"<style>\n{STYLE}\n</style>",
        f'<rect class="page" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="8"/>',
        text(MARGIN, 34, "Rows kept, of those that could be judged", "title"),
    ]
    for number, verdict in enumerate(ORDER):
        x = WIDTH - MARGIN - LEGEND_STEP * (len(ORDER) - number)
        lines.append(f'<rect class="{CLASS[verdict]}" x="{x}" y="23" width="14" height="14"/>')
        lines.append(text(x + 20, 35, verdict))
    for column in COLUMNS:
        lines.append(text(BAR_LEFT[column], TOP - 22, HEADS[column], "head"))
    for number, standing in enumerate(board.standings.values()):
        y = TOP + LINE * number + BAR_HEIGHT
        lines.append(text(MARGIN, y, standing.name))
        for column in COLUMNS:
            lines += bar(standing, column, y, max(len(board.in_column(column)), 1))
    return "\n".join([*lines, "</svg>"]) + "\n"
