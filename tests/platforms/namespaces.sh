# Sourced: `enter COMMAND...` runs a command as root over files of its own, in its own mount and
# process namespaces. A root gets them as it is, others through a user namespace.

cache=${XDG_CACHE_HOME:-$HOME/.cache}/matrix-devices/platforms

enter_as=(unshare --mount --pid --fork --kill-child)
if [ "$(id -u)" -ne 0 ]; then
  enter_as+=(--user --map-root-user --map-auto)
fi
enter() { "${enter_as[@]}" "$@"; }

# Ends the script with status 77 where that cannot be done.
need_namespaces() {
  local error
  error=$(enter true 2>&1) && return
  echo "SKIP: platforms: not root, and no user namespace is to be had: ${error:-unshare failed}" >&2
  echo "SKIP: platforms: run it as root, or install uidmap and let users have namespaces" >&2
  exit 77
}
