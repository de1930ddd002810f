"""A document of the repository as a page: what GitHub takes and Python-Markdown does not."""

import os
import pathlib
import re
from collections.abc import Callable, Iterator

FENCE = re.compile(r"^ *```")
ITEM = re.compile(r"^( *)([-*]|\d+\.) +")
LINK = re.compile(r"\]\(([^)\s]+)\)")
COMMENT = re.compile(r"<!--.*?-->\n?", re.S)


def parts_of(text: str) -> Iterator[tuple[bool, str]]:
    """Lines, each with whether it is of a block of code, fences included."""
    inside = False
    for line in text.splitlines():
        is_fence = FENCE.match(line) is not None
        yield inside or is_fence, line
        if is_fence:
            inside = not inside


def without_comments(text: str) -> str:
    """Marks for the tests are no business of a reader."""
    kept: list[str] = []
    prose: list[str] = []

    def flush() -> None:
        if prose:
            kept.append(COMMENT.sub("", "\n".join(prose) + "\n").rstrip("\n"))
            prose.clear()

    for is_code, line in parts_of(text):
        if is_code:
            flush()
            kept.append(line)
        else:
            prose.append(line)
    flush()
    return "\n".join(kept) + "\n"


def with_deep_lists(text: str) -> str:
    """What belongs to an item is indented by four, not by as much as its marker is wide."""
    lines: list[str] = []
    widths: list[int] = []  # of the markers of the items that are open
    for is_code, line in parts_of(text):
        indent = len(line) - len(line.lstrip())
        if line.strip() and not (is_code and not FENCE.match(line)):
            while widths and indent < sum(widths):
                widths.pop()
        shift = sum(4 - width for width in widths)
        lines.append(" " * shift + line if line.strip() and widths else line)
        if not is_code and (item := ITEM.match(line)):
            widths.append(len(item[0]) - sum(widths))
    return "\n".join(lines) + "\n"


def with_links(text: str, link_to: Callable[[str], str]) -> str:
    lines = []
    for is_code, line in parts_of(text):
        lines.append(line if is_code else LINK.sub(lambda link: f"]({link_to(link[1])})", line))
    return "\n".join(lines) + "\n"


def with_wraps(text: str) -> str:
    """Commands, and what they print, are broken where a line is too short; pictures are not."""
    lines = text.splitlines()
    opening: int | None = None
    for number, line in enumerate(lines):
        if not FENCE.match(line):
            continue
        if opening is None:
            opening = number
            continue
        fence, language = lines[opening].rsplit("`", 1)
        is_picture = re.search("[\u2500-\u257f\u25b6\u25c0]", "\n".join(lines[opening:number]))
        if language in ("sh", "text", "json", "yaml") and not is_picture:
            lines[opening] = f"{fence}` {{ .{language} .wraps }}"
        opening = None
    return "\n".join(lines) + "\n"


def page_of(text: str, link_to: Callable[[str], str]) -> str:
    return with_wraps(with_deep_lists(with_links(without_comments(text), link_to)))


def relative(target: str, page: str) -> str:
    """From one page of the site to another."""
    return os.path.relpath(target, pathlib.PurePosixPath(page).parent)
