#!/bin/bash
# Install into a prefix, move it, and use it from another project in each of the ways that the
# README names.
#   check_install.sh SOURCE BUILD CMAKE CC CXX
set -euo pipefail
source=$1 build=$2 cmake=$3 cc=$4 cxx=$5
here=$(dirname "$(readlink -f "$0")")
expect=$here/expect_output.sh
work=$(mktemp -d)
server_pid=
clean_up() {
  [ -z "$server_pid" ] || kill "$server_pid" 2>/dev/null || true
  rm -rf "$work"
}
trap clean_up EXIT
fail() {
  echo "check_install: $*" >&2
  exit 1
}
listed='^200 .*"LAPTOP".*"PHONE"'

echo "-- install, and move the tree"
"$cmake" --install "$build" --prefix "$work/first" >"$work/install.log" ||
  { cat "$work/install.log"; fail "cmake --install failed"; }
mv "$work/first" "$work/prefix"
prefix=$work/prefix
module=$(find "$prefix" -name libmatrix_devices.so)
[ -n "$module" ] || fail "expected libmatrix_devices.so to be installed"
for file in include/matrix_devices/{module.h,module.hpp,store.h} \
  share/doc/matrix_devices/docs/host_guide.md; do
  [ -f "$prefix/$file" ] || fail "expected $file to be installed"
done
grep -rlF "$build" "$prefix" --include='*.cmake' --include='*.pc' &&
  fail "expected no path of the build tree in the package files above"
readelf -d "$module" | grep -E 'R(UN)?PATH' && fail "expected no run path in the module"

echo "-- find_package"
"$cmake" -S "$here/consumer" -B "$work/found" -G Ninja -DHOW=find_package \
  -DMXD_SOURCE="$source" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER="$cc" >"$work/log" ||
  { cat "$work/log"; fail "find_package(matrix_devices) failed"; }
"$cmake" --build "$work/found"
[ "$(<"$work/found/module.txt")" = "$module" ] ||
  fail "expected matrix_devices::module to be $module, got $(<"$work/found/module.txt")"
"$expect" "$listed" "$work/found/minimal_host" "$module"
"$expect" '^200 .*"LAPTOP"' "$work/found/cpp_host" "$module"
if [ -x "$work/found/store_host" ]; then
  "$expect" '^200 .*"LAPTOP"' "$work/found/store_host" "$module" "$(<"$work/found/sqlite.txt")" \
    "$work/found/devices.db"
fi

echo "-- pkg-config"
export PKG_CONFIG_PATH
PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name matrix_devices.pc)")
read -ra flags < <(pkg-config --cflags matrix_devices)
"$cc" "$source/docs/examples/minimal_host.c" "${flags[@]}" -o "$work/by_pkg_config"
"$expect" "$listed" "$work/by_pkg_config" "$(pkg-config --variable=module matrix_devices)"
"$cxx" -std=c++20 "$here/consumer/cpp_host.cc" "${flags[@]}" -o "$work/cpp_by_pkg_config"
"$expect" '^200 .*"LAPTOP"' "$work/cpp_by_pkg_config" "$module"
[ -f "$(pkg-config --variable=check matrix_devices)" ] ||
  fail "expected the checking module to be where pkg-config says"
sqlite=$(pkg-config --variable=sqlite matrix_devices)
if [ -n "$sqlite" ]; then
  "$cc" "$source/docs/examples/store_host.c" "${flags[@]}" -pthread -o "$work/store_by_pkg_config"
  "$expect" '^200 .*"LAPTOP"' "$work/store_by_pkg_config" "$module" "$sqlite" "$work/devices.db"
fi
for engine in sqlite postgres; do
  installed=$(pkg-config "--variable=$engine" matrix_devices)
  ! grep -q "^MXD_${engine^^}:BOOL=ON" "$build/CMakeCache.txt" || [ -f "$installed" ] ||
    fail "expected the library of $engine to be where pkg-config says, got '$installed'"
  [ -z "$installed" ] || grep -qxF "$(realpath "$installed")" "$work/found/stores.txt" ||
    fail "expected matrix_devices::$engine to be $installed, got $(<"$work/found/stores.txt")"
done

# The module itself is not built once more: that it configures, and that all its sources are found,
# is what could differ here.
as_part() { # HOW ARGUMENTS...
  local how=$1
  shift
  echo "-- $how"
  "$cmake" -S "$here/consumer" -B "$work/$how" -G Ninja -DHOW="$how" -DMXD_SOURCE="$source" \
    -DCMAKE_C_COMPILER="$cc" -DCMAKE_CXX_COMPILER="$cxx" "$@" >"$work/log" 2>&1 ||
    { cat "$work/log"; fail "$how failed"; }
  "$cmake" --build "$work/$how" --target minimal_host cpp_host
  "$cmake" --build "$work/$how" --target matrix_devices_module -- -n >"$work/log" ||
    { cat "$work/log"; fail "the module could not be built as part of another project"; }
  "$expect" "$listed" "$work/$how/minimal_host" "$module"
  "$expect" '^200 .*"LAPTOP"' "$work/$how/cpp_host" "$module"
}
as_part add_subdirectory

# From a repository of its own, with what lies in the work tree: no network.
if git -C "$source" rev-parse >/dev/null 2>&1; then
  mkdir "$work/repository"
  (cd "$source" && git ls-files -z --cached --others --exclude-standard |
    xargs -0 sh -c 'for file; do [ ! -f "$file" ] || printf "%s\0" "$file"; done' sh |
    tar -c --null --files-from=-) | tar -x -C "$work/repository"
  git -C "$work/repository" init -q -b main
  git -C "$work/repository" add -A
  git -C "$work/repository" -c user.name=test -c user.email=test@example.org commit -qm test
  as_part FetchContent -DMXD_REPOSITORY="file://$work/repository" -DMXD_TAG=main
else
  echo "-- FetchContent: not tried, $source is no clone"
fi

if [ -x "$prefix/bin/matrix-devices-server" ]; then
  echo "-- the installed server finds the installed module"
  env -u LD_LIBRARY_PATH "$prefix/bin/matrix-devices-server" --listen 127.0.0.1:0 \
    --database "$work/server.db" --server-name example.org >"$work/server.log" 2>&1 &
  server_pid=$!
  port=
  for _ in $(seq 600); do
    port=$(grep -oE '127\.0\.0\.1:[1-9][0-9]*' "$work/server.log" | head -n 1 | cut -d: -f2) || true
    [ -z "$port" ] || break
    kill -0 "$server_pid" 2>/dev/null || break
    sleep 0.1
  done
  [ -n "$port" ] || { cat "$work/server.log"; fail "expected the server to name its port"; }
  curl -sS "http://127.0.0.1:$port/_matrix/client/v3/devices" | grep M_MISSING_TOKEN >/dev/null ||
    { cat "$work/server.log"; fail "expected the module's answer to a request without a token"; }
  kill -TERM "$server_pid"
  wait "$server_pid" || fail "expected the server to end with status 0 on SIGTERM, got $?"
  server_pid=
fi
echo "-- ok"
