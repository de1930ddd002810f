"""The command line as a page: what each --help of the server says."""

import re
import subprocess
from dataclasses import dataclass, field

PROGRAM = "matrix-devices-server"


@dataclass
class Help:
    about: str = ""
    usage: str = ""
    sections: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    examples: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def read_help(text: str) -> Help:
    """CLI11's form: `Title:`, then an entry and what it is, on one line or beneath it."""
    read = Help()
    title = ""
    for line in text.splitlines():
        if line.startswith("Usage: "):
            read.usage = line.removeprefix("Usage: ")
        elif heading := re.fullmatch(r"(\w[\w ]*):", line):
            title = heading[1].capitalize()
        elif title == "Examples" and line.startswith("  "):
            read.examples.append(line.strip())
        elif beneath := re.match(r" {10,}(\S.*)", line):
            entry, said = read.sections[title][-1]
            read.sections[title][-1] = (entry, f"{said} {beneath[1]}".strip())
        elif entered := re.match(r"  (\S.*?)(?: {2,}(.*))?$", line):
            read.sections.setdefault(title, []).append((entered[1], entered[2] or ""))
        elif line.strip() and not read.usage:
            read.about = f"{read.about} {line}".strip()
        elif line.strip():
            read.remarks.append(line.strip())
    return read


def help_of(server: str, command: list[str]) -> Help:
    run = subprocess.run(
        [server, *command, "--help"], capture_output=True, text=True, check=True, timeout=60
    )
    return read_help(run.stdout)


def cell(text: str) -> str:
    """With a bar and what Markdown would take for itself as characters of the text."""
    return re.sub(r"[|<>*_`\[\]]", lambda mark: f"&#{ord(mark[0])};", text)


def table(heading: str, entries: list[tuple[str, str]]) -> list[str]:
    rows = [f"| <code>{cell(entry)}</code> | {cell(said)} |" for entry, said in entries]
    return [f"| {heading} | |\n|---|---|\n" + "\n".join(rows)]


def section(server: str, command: list[str], level: int) -> list[str]:
    shown = help_of(server, command)
    out = [f"{'#' * level} {' '.join(command)}"] if command else []
    out += [cell(shown.about), f"```text\n{shown.usage}\n```"]
    commands = shown.sections.pop("Subcommands", [])
    for title, entries in shown.sections.items():
        out += table(title, entries)
    if commands:
        out += table("Commands", commands)
    if shown.examples:
        out += ["Examples:", "```sh\n" + "\n".join(shown.examples) + "\n```"]
    if not command:
        out += [cell(remark) for remark in shown.remarks]
    for name, _ in commands:
        out += section(server, [*command, name], min(level + 1, 3) if command else 2)
    return out


def page(server: str) -> str:
    return "\n\n".join([f"# {PROGRAM}", *section(server, [], 1)]) + "\n"
