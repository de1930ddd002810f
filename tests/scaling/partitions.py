"""Tables that are spread by account, as over shards, and which parts of them were touched."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster import Database

PARTS = 8
NAME_OF_PART = re.compile(r"_part(\d+)$")

# Every statement's plan goes to the server's log once it has run, those in functions too.
SETTINGS = {
    "session_preload_libraries": "auto_explain",
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_timing": "off",
    "auto_explain.log_nested_statements": "on",
    "auto_explain.log_format": "json",
    "auto_explain.log_parameter_max_length": "0",
}


def spread(database: Database) -> list[str]:
    """Put every table whose primary key begins with the account into PARTS by its hash; their
    names. The database has the schema, and no rows in these tables."""
    tables = [
        name
        for (name,) in database.sql(
            "SELECT c.relname FROM pg_constraint AS k JOIN pg_class AS c ON c.oid = k.conrelid"
            " JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.conkey[1]"
            " WHERE k.contype = 'p' AND a.attname = 'account'"
            " AND c.relnamespace = 'matrix_devices'::regnamespace ORDER BY 1"
        )
    ]
    # References come last, when all that they name is there again.
    references = database.sql(
        "SELECT c.relname, k.conname, pg_get_constraintdef(k.oid) FROM pg_constraint AS k"
        " JOIN pg_class AS c ON c.oid = k.conrelid"
        " WHERE k.contype = 'f' AND c.relnamespace = 'matrix_devices'::regnamespace"
    )
    statements = [
        f"ALTER TABLE matrix_devices.{table} DROP CONSTRAINT {name}"
        for table, name, _ in references
    ]
    for table in tables:
        whole = f"matrix_devices.{table}"
        statements += [
            f"ALTER TABLE {whole} RENAME TO {table}_before",
            f"CREATE TABLE {whole} (LIKE {whole}_before INCLUDING ALL) PARTITION BY HASH (account)",
            f"DROP TABLE {whole}_before",
        ]
        statements += [
            f"CREATE TABLE {whole}_part{part} PARTITION OF {whole}"
            f" FOR VALUES WITH (MODULUS {PARTS}, REMAINDER {part})"
            for part in range(PARTS)
        ]
    statements += [
        f"ALTER TABLE matrix_devices.{table} ADD CONSTRAINT {name} {definition}"
        for table, name, definition in references
    ]
    database.sql(";\n".join(statements))
    return tables


@dataclass
class Ran:
    """One statement that ran, by itself or in a function."""

    text: str
    parts: set[int]  # of any table, of which it read something


def statements_of(log: Path, database: Database) -> Iterator[Ran]:
    """Those that the server's log has of this database."""
    lines = iter(log.read_text(errors="replace").splitlines())
    line = next(lines, None)
    while line is not None:
        is_plan = line.endswith(" plan:") and f" {database.name} LOG:  duration: " in line
        line = next(lines, None)
        text = ""
        while line is not None and line.startswith("\t"):
            text += line
            line = next(lines, None)
        if is_plan:
            found = json.loads(text)
            yield Ran(found.get("Query Text", ""), set(parts_of(found["Plan"])))


def parts_of(plan: dict[str, Any]) -> Iterator[int]:
    """Those that a plan has read. A node that changes rows names every table that it might."""
    named = NAME_OF_PART.search(plan.get("Relation Name", ""))
    if named and plan["Node Type"] != "ModifyTable" and plan["Actual Loops"] > 0:
        yield int(named[1])
    for below in plan.get("Plans", []):
        yield from parts_of(below)
