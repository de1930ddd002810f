"""Pages of the packages in Python, Go and Rust: what their sources say of themselves."""

import pathlib
import re
import subprocess

PYTHON = {
    "matrix_devices": "The package: hosts, the module, records, errors",
    "matrix_devices.asgi": "For uvicorn and its like",
    "matrix_devices.wsgi": "For gunicorn and its like",
    "matrix_devices.server": "A homeserver for tests",
    "matrix_devices.check": "Which promises a host keeps",
}


def python_page() -> str:
    """For mkdocstrings, which reads the sources."""
    out = ["# The Python package"]
    for module, about in PYTHON.items():
        out += [f"## {module}", f"{about}.", f"::: {module}\n    options:\n      heading_level: 3\n"
                "      show_root_heading: false\n      show_root_toc_entry: false"]  # fmt: skip
    return "\n\n".join(out) + "\n"


def go_page(folder: pathlib.Path, go: str) -> str:
    """`go doc -all` with a heading for each declaration."""
    text = subprocess.run(
        [go, "doc", "-all", "."], cwd=folder, capture_output=True, text=True, check=True
    ).stdout
    head, _, rest = text.partition("\n\n")
    out = ["# The Go package", f"```go\n{head.partition(' //')[0]}\n```"]
    code: list[str] = []
    prose: list[str] = []

    def flush() -> None:
        if code:
            name = re.search(r"^(?:func|type) (?:\([^)]*\) )?(\w+)", "\n".join(code), re.M)
            out.extend([f"### {name[1]}"] if name else [])
            out.append("```go\n" + "\n".join(code).rstrip() + "\n```")
        if prose:
            said = re.sub(r"([*_<\[\]])", r"\\\1", "\n".join(prose))
            out.append(re.sub(r"\bdocs/(\w+)\.md", r"[docs/\1.md](../docs/\1.md)", said))
        code.clear()
        prose.clear()

    depth = 0
    for line in rest.splitlines():
        if re.fullmatch(r"[A-Z]+", line):
            flush()
            out.append(f"## {line.capitalize()}")
        elif depth == 0 and re.match(r"(func|type|var|const) ", line):
            flush()
            code.append(line)
            depth = line.count("{") + line.count("(") - line.count("}") - line.count(")")
        elif depth > 0:
            code.append(line)
            depth += line.count("{") + line.count("(") - line.count("}") - line.count(")")
        else:
            prose.append(line.strip())
    flush()
    return "\n\n".join(out) + "\n"


RUST_PAGE = """# The Rust crates

What `cargo doc` makes of them, with the features `tokio`, `tower` and `axum`:

- [matrix_devices](rust/matrix_devices/index.html): a host, the instance, the router
- [matrix_devices_sys](rust/matrix_devices_sys/index.html): the contract, as it is in C
"""
