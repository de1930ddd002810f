#!/bin/bash
# Growth of each struct alone, and of each table: for every growable struct of the header a module and
# all hosts in which only that one has grown, in both combinations. In a build of its own, with
# little optimisation; some minutes a struct.
#   tests/abi/growth/each_alone.sh [STRUCT...]
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
cd "$here/../../.."
build=build/growth
jobs=${JOBS:-$(nproc)}
mapfile -t structs < <(python3 -B "$here/grow_header.py" abi/include/matrix_devices/module.h)
[ $# -eq 0 ] || structs=("$@")
[ ${#structs[@]} -gt 0 ] || { echo "each_alone: there is nothing that grows" >&2; exit 1; }

launcher=()
if command -v ccache >/dev/null; then # as in the Makefile
  export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
  launcher=(-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
failed=()
for struct in "${structs[@]}"; do
  cmake -S . -B "$build" -G Ninja --log-level=WARNING -DCMAKE_BUILD_TYPE=Debug \
    -DCMAKE_C_FLAGS_DEBUG=-O1 -DCMAKE_CXX_FLAGS_DEBUG=-O1 -DMXD_TESTS=ON -DMXD_SQLITE=OFF \
    -DMXD_SERVER=OFF -DMXD_PYTHON=OFF -DMXD_GROW="$struct" "${launcher[@]}"
  cmake --build "$build" --parallel "$jobs" --target mxd_growth >"$log" ||
    { cat "$log"; echo "each_alone: $struct does not build" >&2; exit 1; }
  if (cd "$build" && ctest --no-tests=error --output-on-failure --parallel 4 -R '^growth\.') \
    >"$log" 2>&1; then
    echo "$struct: $(grep 'tests passed' "$log")"
  else
    cat "$log"
    failed+=("$struct")
  fi
done
if [ ${#failed[@]} -ne 0 ]; then
  printf 'each_alone: FAILED where this has grown: %s\n' "${failed[@]}" >&2
  exit 1
fi
