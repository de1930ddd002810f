#!/bin/bash
# Install into a prefix, move it, and use it from another project in each of the ways that the
# README names.
#   check_install.sh SOURCE BUILD CMAKE CC
set -euo pipefail
source=$1 build=$2 cmake=$3 cc=$4
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
for file in include/matrix_devices/module.h share/doc/matrix_devices/docs/host_guide.md; do
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
if [ -x "$work/found/sqlite_host" ]; then
  "$expect" '^200 .*"LAPTOP"' "$work/found/sqlite_host" "$module" "$work/found/devices.db"
fi

echo "-- pkg-config"
export PKG_CONFIG_PATH
PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name matrix_devices.pc)")
read -ra flags < <(pkg-config --cflags matrix_devices)
"$cc" "$source/docs/examples/minimal_host.c" "${flags[@]}" -o "$work/by_pkg_config"
"$expect" "$listed" "$work/by_pkg_config" "$(pkg-config --variable=module matrix_devices)"
if pkg-config --exists matrix_devices_sqlite; then
  read -ra flags < <(pkg-config --cflags --libs matrix_devices_sqlite)
  "$cc" "$source/docs/examples/sqlite_host.c" "${flags[@]}" -pthread -o "$work/sqlite_by_pkg_config"
  LD_LIBRARY_PATH=$(dirname "$module") "$expect" '^200 .*"LAPTOP"' \
    "$work/sqlite_by_pkg_config" "$module" "$work/devices.db"
fi

# The module itself is not built once more: that it configures, and that all its sources are found,
# is what could differ here.
echo "-- add_subdirectory"
"$cmake" -S "$here/consumer" -B "$work/sub" -G Ninja -DHOW=add_subdirectory \
  -DMXD_SOURCE="$source" -DCMAKE_C_COMPILER="$cc" >"$work/log" ||
  { cat "$work/log"; fail "add_subdirectory failed"; }
"$cmake" --build "$work/sub" --target minimal_host
"$cmake" --build "$work/sub" --target matrix_devices_module -- -n >"$work/log" ||
  { cat "$work/log"; fail "the module could not be built as part of another project"; }
"$expect" "$listed" "$work/sub/minimal_host" "$module"

if [ -x "$prefix/bin/matrix-devices-server" ]; then
  echo "-- the installed server finds the installed module"
  env -u LD_LIBRARY_PATH "$prefix/bin/matrix-devices-server" --listen 127.0.0.1:0 \
    --database "$work/server.db" --server-name example.org >"$work/server.log" 2>&1 &
  server_pid=$!
  port=
  for _ in $(seq 100); do
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
