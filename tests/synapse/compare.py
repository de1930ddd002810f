#!/usr/bin/env python3
"""Which rows of docs/behaviour.md a Synapse keeps, without the module and with it.

Runs the conformance suite (tests/conformance) against one Synapse after the other, or takes reports
that are there, and writes a Markdown table. Exit status 1: with the module a row is not kept that
known_rows.txt does not name, or the other way round.

    tests/synapse/compare.py                                    the newest version, into build/
    tests/synapse/compare.py --into docs/synapse.md             between the markers there
    tests/synapse/compare.py --url "mine=http://127.0.0.1:8008" --url "other=https://…"
    tests/synapse/compare.py --report stock=DIR --report module=DIR
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SUITE = HERE.parent / "conformance"
sys.path[:0] = [str(HERE), str(SUITE), str(HERE.parent / "postgres")]

from front import Front  # noqa: E402
from matrix_device_conformance.rows import ROWS  # noqa: E402
from matrix_device_conformance.verdicts import COLUMNS, KEPT, NOT_KEPT, OF_NO_ROW  # noqa: E402
from synapse_installation import ENVIRONMENTS, installation, known_versions  # noqa: E402
from synapse_server import Options, Synapse, SynapseService  # noqa: E402

BEGIN = "<!-- rows: written by tests/synapse/compare.py -->"
END = "<!-- end of rows -->"
KNOWN = HERE / "known_rows.txt"
GOT_LIMIT = 160
# Session and device IDs that Synapse makes up, the suite's users, times
RANDOM = re.compile(r"\b[A-Za-z]{24}\b|\b[A-Z]{10}\b|\b1\d{12}\b|(?<=@)\w*[0-9a-f]{8}\d+(?=:)")
NOT_RUN = "\u2013"

STRICT = {
    "device_id_alias": True,
    "path_versions": ["v3", "r0"],
    "unknown_fields": "omit",
    "uia": {"body_binding": "strict"},
}

Results = list[dict[str, Any]]


@dataclass(frozen=True)
class Kind:
    """A Synapse to run the suite against."""

    name: str
    folder: str
    module: dict[str, Any] | None = None
    worker: bool = False


KINDS = [
    Kind("Synapse {version}", "stock"),
    Kind("with the module", "module", module={}),
    Kind("the same on a worker", "worker", module={}, worker=True),
    Kind("with strict settings", "strict", module=STRICT),
]


@dataclass(frozen=True)
class Column:
    """One homeserver, and what the suite found."""

    name: str
    results: Results
    kind: Kind | None = None

    def of(self, row: str) -> dict[str, Any] | None:
        """What was found of this row."""
        return next((result for result in self.results if result["row"] == row), None)

    def verdict(self, row: str) -> str:
        """`kept`, `not kept`, or a dash where no test of the row was judged."""
        result = self.of(row)
        found = set() if result is None else {result[column] for column in COLUMNS}
        return next((verdict for verdict in (NOT_KEPT, KEPT) if verdict in found), NOT_RUN)

    def why(self, row: str) -> str:
        """What came, at the first check that failed; without what differs from run to run."""
        for test in (self.of(row) or {"tests": []})["tests"]:
            for failure in test["failures"]:
                return RANDOM.sub("…", f"{failure['what']}: {failure['got']}")
        return ""

    def rows(self) -> list[str]:
        """All rows, in the report's order."""
        return [result["row"] for result in self.results]


def run_suite(url: str, report: Path, environment: dict[str, str], *options: str) -> Results:
    """Run the suite against a URL; its results."""
    command = [sys.executable, "-B", "-m", "pytest", "-p", "no:cacheprovider", "-q"]
    command += [str(SUITE), f"--base-url={url}", f"--report={report}", *options]
    done = subprocess.run(
        command,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (0, 1):
        raise SystemExit(f"the suite did not run\n{done.stdout}{done.stderr}")
    print(done.stdout.splitlines()[-1], flush=True)
    return read_report(report)


def read_report(folder: Path) -> Results:
    """The results of a run."""
    results: Results = json.loads((folder / "conformance.json").read_text())["rows"]
    return results


def appservice_option(service: SynapseService) -> str:
    """Tells the suite of an application service; its token is in the environment."""
    is_limited = "yes" if service.rate_limited else "no"
    return (
        f"--appservice=token-env=MXD_TOKEN_{service.name},prefix={service.prefix}"
        f",sender={service.sender},rate-limited={is_limited}"
    )


def run_synapse(version: str, kind: Kind, report: Path) -> Column:
    """Start a Synapse, run the suite against it, stop it."""
    name = kind.name.format(version=version)
    print(f"==> {name}", flush=True)
    extra = {"org.matrix.msc3202": True, "io.element.msc4190": True}
    services = [
        SynapseService("limited", True, extra=extra),
        SynapseService("unlimited", False, extra=extra),
    ]
    options = Options(
        module=kind.module,
        services=services,
        worker=kind.worker,
        check_contexts=True,
        config={"track_appservice_user_ips": True, "track_puppeted_user_ips": True},
    )
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        synapse = Synapse(folder, installation(version), options).start()
        stack.callback(synapse.kill)
        url = synapse.client.base_url
        if kind.worker:
            front = Front(synapse.client, synapse.worker.client)
            stack.callback(front.stop)
            url = front.url
        environment = {f"MXD_TOKEN_{service.name}": service.as_token for service in services}
        results = run_suite(url, report, environment, *map(appservice_option, services))
        synapse.expect_contexts_kept()
        synapse.stop()
    return Column(name, results, kind)


def table(columns: list[Column]) -> str:
    """Rows that somebody does not keep; the rest in one sentence."""
    rows = list(dict.fromkeys(row for column in columns for row in column.rows()))
    lines = [BEGIN, ""]
    for column in columns:
        verdicts = [column.verdict(row) for row in rows if row != OF_NO_ROW]
        kept, missed = verdicts.count("kept"), verdicts.count("not kept")
        lines.append(f"- {column.name}: {kept} of {kept + missed} rows kept")
    first = columns[0].name
    heads = ["row", "what", *(column.name for column in columns), f"what {first} does"]
    lines += ["", f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    for row in rows:
        verdicts = [column.verdict(row) for column in columns]
        if "not kept" not in verdicts:
            continue
        got = next((column.why(row) for column in columns if column.why(row)), "")
        cells = [row, ROWS[row].title, *verdicts, f"`{cell_text(got)}`"]
        lines.append(f"| {' | '.join(cells)} |")
    others = [row for row in rows if all(column.verdict(row) == "kept" for column in columns)]
    others = [row for row in others if row != OF_NO_ROW]
    lines += ["", f"Kept by all: {', '.join(others)}.", "", END]
    return "\n".join(lines) + "\n"


def cell_text(text: str) -> str:
    """Text that fits into a cell of a Markdown table."""
    line = " ".join(text.split()).replace("|", "\\|")
    return line if len(line) <= GOT_LIMIT else line[:GOT_LIMIT] + "…"


def put_into(path: Path, text: str) -> None:
    """Put the table between the markers of a document."""
    document = path.read_text()
    if BEGIN not in document or END not in document:
        raise SystemExit(f"{path}: there are no markers\n{BEGIN}\n{END}")
    before = document[: document.index(BEGIN)]
    after = document[document.index(END) + len(END) :].lstrip("\n")
    path.write_text(before + text + (f"\n{after}" if after else ""))


def known_rows(kind: Kind) -> dict[str, str]:
    """Rows that the module does not keep inside Synapse, and why."""
    lines = KNOWN.read_text().splitlines()
    split = [line.split(maxsplit=2) for line in lines if line and not line.startswith("#")]
    return {row: why for row, when, why in split if when == "always" or kind.module == {}}


def unexpected(columns: list[Column]) -> list[str]:
    """What is not as known_rows.txt has it."""
    found = []
    for column in columns:
        if column.kind is None or column.kind.module is None:
            continue
        known = known_rows(column.kind)
        missed = [row for row in column.rows() if column.verdict(row) == "not kept"]
        found += [
            f"{column.name}: {row} is not kept: {column.why(row)[:400]}"
            for row in missed
            if row not in known
        ]
        found += [
            f"{column.name}: {row} is kept, and known_rows.txt says otherwise"
            for row in known
            if row not in missed
        ]
    return found


def named(text: str) -> tuple[str, str]:
    """NAME=VALUE."""
    name, separator, value = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError("expected NAME=…")
    return name, value


def main() -> int:
    """Run and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--synapse", metavar="VERSION", default=known_versions()[0])
    parser.add_argument("--out", metavar="DIR", type=Path, default=ENVIRONMENTS / "rows")
    parser.add_argument(
        "--into", metavar="FILE", type=Path, help="put the table into this document"
    )
    parser.add_argument("--report", metavar="NAME=DIR", type=named, action="append", default=[])
    parser.add_argument("--url", metavar="NAME=URL", type=named, action="append", default=[])
    parser.add_argument(
        "--only",
        metavar="KIND,…",
        type=lambda text: text.split(","),
        default=[kind.folder for kind in KINDS],
        help=f"of {', '.join(kind.folder for kind in KINDS)}; default: all of them",
    )
    given = parser.parse_args()

    given.out.mkdir(parents=True, exist_ok=True)
    columns = [Column(name, read_report(Path(folder))) for name, folder in given.report]
    columns += [Column(name, run_suite(url, given.out / name, {})) for name, url in given.url]
    if not columns:
        kinds = [kind for kind in KINDS if kind.folder in given.only]
        columns = [run_synapse(given.synapse, kind, given.out / kind.folder) for kind in kinds]
    text = table(columns)
    (given.out / "rows.md").write_text(text)
    print(f"==> The table: {given.out / 'rows.md'}")
    if given.into is not None:
        put_into(given.into, text)
    surprises = unexpected(columns)
    for line in surprises:
        print(line, file=sys.stderr)
    return 1 if surprises else 0


if __name__ == "__main__":
    sys.exit(main())
