#!/usr/bin/env python3
"""Which rows of docs/behaviour.md a Dendrite keeps, by itself and with the module.

Runs the conformance suite against both, on SQLite, and writes a Markdown table. Exit status 1: with
the module a row is not kept that known_rows.txt does not name, or the other way round.

    tests/dendrite/compare_rows.py                         into build/dendrite/rows
    tests/dendrite/compare_rows.py --only module           that one, and no table
    tests/dendrite/compare_rows.py --into docs/dendrite.md between the markers there
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "conformance"), str(HERE.parent / "synapse")]

from dendrite_server import BUILT, Dendrite, appservice_option  # noqa: E402

import compare as of_synapse  # noqa: E402
from matrix_device_conformance.services import Service  # noqa: E402

KNOWN = HERE / "known_rows.txt"
VERSION = (HERE / "version.txt").read_text().splitlines()[-1].removeprefix("v")
KINDS = {"stock": f"Dendrite {VERSION}", "module": "with the module"}
WRITTEN_BY = "tests/dendrite/compare_rows.py"


def run_dendrite(kind: str, report: Path) -> of_synapse.Column:
    """Start one, run the suite against it, stop it."""
    print(f"==> {KINDS[kind]}", flush=True)
    services = [Service("limited", True), Service("unlimited", False)]
    with tempfile.TemporaryDirectory() as folder:
        dendrite = Dendrite(
            Path(folder),
            with_module=kind == "module",
            services=services,
            settings={"unknown_fields": "omit"},
        ).start()
        try:
            environment = {f"MXD_TOKEN_{each.name}": each.as_token for each in services}
            options = map(appservice_option, services)
            url = dendrite.client.base_url
            results = of_synapse.run_suite(url, report, environment, *options)
            dendrite.stop()
        finally:
            dendrite.kill()
        if lines := dendrite.misbehaving():
            raise SystemExit("\n".join(lines))
    return of_synapse.Column(KINDS[kind], results)


def unexpected(column: of_synapse.Column) -> list[str]:
    """What is not as known_rows.txt has it."""
    lines = [line for line in KNOWN.read_text().splitlines() if not line.startswith("#")]
    known = {line.split(maxsplit=1)[0] for line in lines}
    missed = {row for row in column.rows() if column.verdict(row) == "not kept"}
    return [
        *(f"{row} is not kept: {column.why(row)[:400]}" for row in sorted(missed - known)),
        *(f"{row} is kept, and known_rows.txt says otherwise" for row in sorted(known - missed)),
    ]


def main() -> int:
    """Run and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=KINDS)
    parser.add_argument("--into", metavar="FILE", type=Path)
    parser.add_argument("--report", metavar="KIND=DIR", action="append", default=[])
    given = parser.parse_args()
    reports = dict(each.split("=", 1) for each in given.report)
    out = BUILT / "rows"
    out.mkdir(parents=True, exist_ok=True)
    columns = {}
    for kind in [given.only] if given.only else KINDS:
        if kind in reports:
            results = of_synapse.read_report(Path(reports[kind]))
            columns[kind] = of_synapse.Column(KINDS[kind], results)
        else:
            columns[kind] = run_dendrite(kind, out / kind)
    if len(columns) == len(KINDS):
        begin = of_synapse.BEGIN
        of_synapse.BEGIN = begin.replace("tests/synapse/compare.py", WRITTEN_BY)
        text = of_synapse.table(list(columns.values()))
        (out / "rows.md").write_text(text)
        if given.into:
            of_synapse.put_into(given.into, text)
    surprises = unexpected(columns["module"]) if "module" in columns else []
    for line in surprises:
        print(line, file=sys.stderr)
    return 1 if surprises else 0


if __name__ == "__main__":
    sys.exit(main())
