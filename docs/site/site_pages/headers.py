"""A header in C or C++ as a page: comments as prose, each declaration beneath its own."""

import re
import textwrap
from collections.abc import Iterator

CODE_WORD = re.compile(
    r"(?<!\w)(`[^`]+`|MXD_\w+|mxd_\w+|mxd::\w+|(?:[a-z_]+/)*[a-z_]+\.(?:h|hpp|so)|[a-z]+_[a-z_]+(?:\(\))?|[a-z]+\(\))(?!\w)"
)
RULE = re.compile(r"(?:/\*|//) ---- (.*?) ---- ?(?:\*/)?")
NAMES = [
    re.compile(r"^typedef struct (\w+) \{", re.M),
    re.compile(r"^(?:template <[^>]*>\n)?(?:class|struct) (\w+)", re.M),
    re.compile(r"\(\*(\w+)\)\("),
    re.compile(r"^#define (\w+)\(", re.M),
    re.compile(r"^typedef .*?(\w+)\)?(?:\([^)]*\))?(?: MXD_NOEXCEPT)?;", re.M | re.S),
    re.compile(r"^(?:\w[\w:<>&* ]*?[ *&])(\w+)\(", re.M),
]
COMMENT = re.compile(r"\s*(/\*.*?\*/|(?:[ \t]*//[^\n]*\n?)+)\s*?\n?", re.S)


def marked(text: str) -> str:
    """Names of the code in its type, and nothing that Markdown would take for itself."""
    parts = CODE_WORD.split(text)
    return "".join(
        f"`{part.strip('`')}`" if index % 2 else re.sub(r"([\\*_<>\[\]`])", r"\\\1", part)
        for index, part in enumerate(parts)
    )


def lines_of(comment: str) -> list[str]:
    """Without what makes it a comment."""
    text = comment.strip()
    if text.startswith("//"):
        return [re.sub(r"^\s*// ?", "", line) for line in text.splitlines()]
    first, *rest = text.removeprefix("/*").removesuffix("*/").splitlines()
    if not any(line.startswith(" *") for line in rest):
        rest = textwrap.dedent("\n".join(rest)).splitlines()
    return [re.sub(r"^ ?\*? ?", "", line) for line in [first, *rest]]


def prose(lines: list[str]) -> str:
    """Headings in capitals, numbered items, [tags] and examples of code, as Markdown has them."""
    out: list[str] = []
    is_item = False
    for line in lines:
        text = line.strip()
        numbered = re.match(r" {0,3}(\d+)\. +(\S.*)", line)
        tagged = re.match(r" {0,3}\[([a-z-]+)\] {2,}(.*)", line)
        if re.fullmatch(r"[A-Z][A-Z ]+[A-Z]{2}", text):
            out += ["", f"## {text.capitalize()}", ""]
            is_item = False
        elif numbered:
            out += [""] * (not is_item) + [f"{numbered[1]}. {marked(numbered[2])}"]
            is_item = True
        elif tagged:
            out += [""] * (not is_item) + [f"- **{tagged[1]}**: {marked(tagged[2])}"]
            is_item = True
        elif not text:
            out.append("")
            is_item = False
        elif is_item:
            out.append("    " + marked(text))
        elif line.startswith("  "):
            out += [] if out and out[-1].startswith("    ") else [""]
            out.append("  " + line)
        else:
            out.append(re.sub(r"^(\d+)\.", r"\1\.", marked(text)))  # a number, not a list
    return "\n".join(out).strip()


def blocks_of(text: str) -> Iterator[str]:
    """What blank lines part, outside of braces and comments."""
    block: list[str] = []
    depth = 0
    for line in [*text.splitlines(), ""]:
        if not line.strip() and depth == 0:
            if block:
                yield "\n".join(block)
            block = []
            continue
        block.append(line)
        code = re.sub(r"//.*|/\*.*?\*/", "", line)
        if not re.match(r'\s*(namespace .*\{|extern "C" \{|\}  // namespace.*)$', line):
            depth += code.count("{") - code.count("}") + code.count("/*") - code.count("*/")


def name_of(code: str) -> str | None:
    return next((found[1] for name in NAMES if (found := name.search(code))), None)


def split_comment(block: str) -> tuple[list[str], str]:
    """What it says before its code, and the code."""
    comment = COMMENT.match(block)
    if not comment:
        return [], block
    return lines_of(comment[1]), block[comment.end() :].strip("\n")


def fenced(code: str, language: str) -> str:
    indent = min((len(line) - len(line.lstrip()) for line in code.splitlines() if line), default=0)
    lines = [line[indent:] for line in code.splitlines()]
    return f"```{language}\n" + "\n".join(lines) + "\n```"


def declaration(block: str, language: str, level: int) -> list[str]:
    said, code = split_comment(block)
    name = name_of(code)
    out = [f"{'#' * level} {name}"] if name else []
    out.append(prose(said))
    if not code:
        return out
    body = code.split("\n\n")
    if language == "c" and len(body) > 1 and "(*" in code:
        out.append(fenced(body[0] + "\n  …", language))
        for member in body[1:]:
            out += declaration(member, language, level + 1)
    else:
        out.append(fenced(code, language))
    return out


def is_of_the_compiler(block: str) -> bool:
    """Guards, includes and the like, which tell a reader nothing."""
    lines = [line for line in block.splitlines() if line.strip()]
    plain = r"#(?!define MXD_[A-Z_0-9]+[( ])|extern|\}|namespace|#define MXD_NOEXCEPT|using "
    return all(re.match(plain, line) for line in lines)


def page_of(path: str, text: str) -> str:
    language = "cpp" if path.endswith(".hpp") else "c"
    head = COMMENT.match(text)
    assert head, f"{path}: expected a comment at its head"
    lines = [line for line in lines_of(head[1]) if "SPDX-License-Identifier" not in line]
    out = [f"# {path.rpartition('/')[2]}", prose(lines)]
    for block in blocks_of(text[head.end() :]):
        rule = RULE.fullmatch(block.strip())
        if rule:
            out.append(f"## {rule[1]}")
        elif not is_of_the_compiler(block):
            out += declaration(block, language, 3)
    return "\n\n".join(part for part in out if part) + "\n"
