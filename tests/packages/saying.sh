# Sourced by what runs in a bare Debian.

say() { echo "==> $*"; }
fail() {
  echo "$(basename "$0"): $*" >&2
  exit 1
}
is() { # WHAT EXPECTED GOT
  [ "$2" = "$3" ] || fail "$1: expected '$2', got '$3'"
}
