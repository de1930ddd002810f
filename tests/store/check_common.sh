#!/bin/sh
# What all stores share includes nothing of an engine, and names none.
#   check_common.sh DIRECTORY
set -eu
found=$(ls "$1"/*.h "$1"/*.cc | wc -l)
[ "$found" -gt 0 ] || { echo "there is nothing in $1"; exit 1; }
if grep -nEi '#include.*(sqlite|libpq|postgres|/store/(sqlite|postgres)/)|SQLite::|sqlite3_|PQ[a-z]+\(' \
    "$1"/*.h "$1"/*.cc; then
  echo "common/ may use no engine: move these lines to the engine's folder"
  exit 1
fi
