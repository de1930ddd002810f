#!/bin/bash
# expect_output.sh REGEX COMMAND...: the command succeeds, and a line of its output matches.
set -euo pipefail
expected=$1
shift
status=0
output=$("$@" 2>&1) || status=$?
printf '%s\n' "$output"
if [ "$status" -ne 0 ]; then
  echo "expected: exit status 0; got $status" >&2
  exit 1
fi
if ! grep -qE -- "$expected" <<<"$output"; then
  echo "expected: a line that matches $expected" >&2
  exit 1
fi
