"""What run_snippets.py must refuse: one document that is right, and mistakes made in it one by one.

run_snippets_control.py: the arguments of run_snippets.py
"""

import contextlib
import io
import pathlib
import shutil
import sys
import tempfile

from run_snippets import parse_arguments, read_document
from snippets.not_run import NotRun
from snippets.place import Build, Place, isolate

RIGHT = """
<!-- file: settings.json -->
```json
{"limits": {"uia_failures": {"burst": 5, "interval_ms": 10000}}}
```

<!-- given: word=devices -->
<!-- serves: 127.0.0.1:8008 -->
```sh
matrix-devices-server --listen 127.0.0.1:8008 --database $word.db --server-name example.org \\
  --config settings.json
```

<!-- typed: correct horse -->
```sh
matrix-devices-server user add alice --database devices.db
```

```sh
head -c 6 $word.db
```

<!-- output -->
```text
SQL…
```

<!-- output: curl -s http://127.0.0.1:8008/_matrix/client/v3/devices -->
```json
{"errcode": "M_MISSING_TOKEN", "error": "…"}
```

<!-- given: mkdir host -->
<!-- file: host/CMakeLists.txt -->
```cmake
cmake_minimum_required(VERSION 3.25)
project(host LANGUAGES C)
find_package(matrix_devices 1.0 REQUIRED)
add_library(host OBJECT host.c)
target_link_libraries(host PRIVATE matrix_devices::abi)
```

```sh
cp docs/examples/minimal_host.c host/host.c && cmake -S host -B build/host >&2
```

<!-- quote: docs/examples/minimal_host.c readme -->
```c
QUOTE```

```yaml
modules:
  - module: matrix_devices.synapse.DeviceModule
    config: {unknown_fields: omit}
```

<!-- config -->
```json
{"max_json_depth": 32}
```

<!-- sql -->
```sql
CREATE TABLE sessions (id TEXT);
```

<!-- file: control.service -->
```ini
[Service]
ExecStart=/usr/local/bin/matrix-devices-server
```

```nginx
location / {}
```
"""

OF_PYTHON = """
```python
import matrix_devices

host = matrix_devices.MemoryHost("example.org")
```

```python
app = matrix_devices.asgi.app(host)
print(type(host).__name__)
```

<!-- output -->
```text
MemoryHost
```

<!-- test: one -->
```python
def test_one(matrix_device_server):
    assert matrix_device_server.url
```
"""

LISTED = """
NAME: location / {}
    nginx is not where the tests run
"""

# What is changed, to what, and what the refusal says.
MISTAKES = (
    ('"burst": 5', '"bursts": 5', "bursts"),
    ("--server-name example.org", "--server-nam example.org", "--server-nam"),
    ("user add alice", "user ad alice", "user ad"),
    ("$word.db\n```\n\n<!-- output", "$wort.db\n```\n\n<!-- output", "wort"),
    ("SQL…", "PG…", "expected this output"),
    ('"M_MISSING_TOKEN"', '"M_UNKNOWN_TOKEN"', "M_MISSING_TOKEN"),
    ("matrix_devices::abi", "matrix_devices::api", "matrix_devices::api"),
    ("find_package(matrix_devices 1.0", "find_package(matrix_device 1.0", "matrix_device"),
    ("  mxd_device device", "  mxd_devices device", "that is marked readme"),
    ("unknown_fields: omit", "unknown_field: omit", "unknown_field"),
    ("unknown_fields: omit}", "unknown_fields: omit", "expected YAML"),
    ('"max_json_depth": 32', '"max_json_depth": 3', "max_json_depth"),
    ("id TEXT", "id TEXT,", "SQL"),
    ("ExecStart=/usr/local/bin/", "ExecStart=/usr/local/sbin/", "systemd-analyze"),
    ("```nginx\nlocation / {}", "```nginx\nlocation /_matrix {}", "nothing here reads nginx"),
)
MISTAKES_IN_PYTHON = (
    ("matrix_devices.asgi.app", "matrix_devices.agsi.app", "agsi"),
    ("app(host)", "app(hoste)", "hoste"),
    ("\nMemoryHost", "\nSqliteHost", "expected this output"),
    ("matrix_device_server.url", "matrix_device_server.uri", "uri"),
)


class Control:
    def __init__(self, build: Build, work: pathlib.Path, *, isolated: bool) -> None:
        self._work = work
        self._place = Place(build, work, isolated=isolated)
        self._number = 0
        self._skipped: list[str] = []
        self.problems: list[str] = []

    def read(self, text: str, listed: str) -> list[str]:
        self._number += 1
        name = f"control{self._number}.md"
        list_file = self._work / "list.txt"
        list_file.write_text(listed.replace("NAME", name))
        not_run = NotRun(list_file)
        with contextlib.redirect_stdout(io.StringIO()) as said:
            problems = read_document(self._place, name, text, not_run) or not_run.stale()
        self._skipped = [line for line in said.getvalue().splitlines() if "skipped" in line]
        if self._skipped:
            print(*self._skipped, sep="\n")
        return problems

    def accept(self, text: str, listed: str = "") -> None:
        self.problems += self.read(text, listed)

    def refuse(self, text: str, expected: str, listed: str = "") -> None:
        refused = self.read(text, listed)
        # What this machine lacks the program for is refused where it is.
        if not any(expected in said for said in [*refused, *self._skipped]):
            self.problems.append(f"expected a refusal that says {expected!r}, got {refused}")


def main() -> int:
    build, _ = parse_arguments()
    reason = isolate()
    example = (build.source / "docs/examples/minimal_host.c").read_text()
    quote = example.partition("/* readme: begin */\n")[2].partition("/* readme: end */")[0]
    right = RIGHT.replace("QUOTE", quote)
    work = pathlib.Path(tempfile.mkdtemp(prefix="mxd_snippets_control."))
    control = Control(build, work, isolated=reason is None)
    try:
        control.accept(right, LISTED)
        control.refuse(right, "nothing here reads nginx")
        control.refuse("<!-- output -->\n```text\nx\n```\n", "expected a snippet before")
        control.refuse(right, "has 0 snippets", LISTED + "NAME: gone\n    a reason\n")
        control.refuse(right, "expected a reason", LISTED.replace("    nginx", "# nginx"))
        for wrong, instead, expected in MISTAKES:
            assert wrong in right, wrong
            control.refuse(right.replace(wrong, instead), expected, LISTED)
        if build.python:
            control.accept(OF_PYTHON)
            for wrong, instead, expected in MISTAKES_IN_PYTHON:
                assert wrong in OF_PYTHON, wrong
                control.refuse(OF_PYTHON.replace(wrong, instead), expected)
    finally:
        shutil.rmtree(work)
    print(*control.problems, sep="\n\n", file=sys.stderr)
    return 1 if control.problems else 0


if __name__ == "__main__":
    sys.exit(main())
