#!/bin/bash
# How many instructions one GET takes, of the module and of the host together: the difference
# between 2000 requests and 1000, counted by callgrind.
#   tests/bench/instructions.sh GET_ONE MODULE
set -euo pipefail
program=$1 module=$2
command -v valgrind >/dev/null || { echo "instructions: valgrind is not installed" >&2; exit 1; }
# The C library picks its string functions by the processor, which would make counts differ.
export GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX2_Usable,-AVX2,-AVX512F,-ERMS,-EVEX
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

count() { # REQUESTS
  valgrind --tool=callgrind --callgrind-out-file="$work/$1" "$program" "$module" "$1" \
    >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
  awk '/^(summary|totals):/ {print $2; exit}' "$work/$1"
}

first=$(count 1000)
second=$(count 2000)
echo "GET of one device: $(((second - first + 500) / 1000)) instructions a request"
