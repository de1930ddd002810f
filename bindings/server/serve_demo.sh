#!/bin/bash
# Run the server in the foreground with a demo account, and print commands to try it with. They stay
# the last lines on the terminal: the log goes to a file.
#   serve_demo.sh DIRECTORY_OF_THE_PROGRAMS LISTEN [FOLDER]
# The database, the log and the demo's password live in FOLDER: .local, which git ignores.
set -euo pipefail
root=$(readlink -f "$(dirname "$0")/../..")
out=$(readlink -f "$1")
listen=$2
folder=${3:-$root/.local}
database=$folder/devices.db
log=$folder/server.log
password_file=$folder/demo-password
url=http://$listen

host=${listen%:*}
host=${host#[} # of [::1]:8008
if (exec 3<>"/dev/tcp/${host%]}/${listen##*:}") 2>/dev/null; then
  echo "serve: something is listening on $listen already." >&2
  echo "serve: stop it, or choose another port: make serve LISTEN=127.0.0.1:9009" >&2
  exit 1
fi

mkdir -p "$folder"
if [ ! -s "$password_file" ]; then
  (umask 077 && od -An -N8 -tx1 /dev/urandom | tr -d ' \n' >"$password_file")
fi
password=$(<"$password_file")

# Log the demo account in on a device; prints the access token.
log_in() { # DEVICE NAME
  curl -sSf -H 'Content-Type: application/json' "$url/_matrix/client/v3/login" -d '{
    "type": "m.login.password", "identifier": {"type": "m.id.user", "user": "demo"},
    "password": "'"$password"'", "device_id": "'"$1"'", "initial_device_display_name": "'"$2"'"}' |
    grep -oE '"access_token" *: *"[^"]+"' | cut -d'"' -f4
}

prepare_and_print() {
  local waited=0
  until curl -sf -o /dev/null "$url/_matrix/client/versions"; do
    kill -0 "$$" 2>/dev/null || return 0 # it has said why
    if [ $((waited += 1)) -gt 150 ]; then
      echo "serve: no answer from $url within 30 s" >&2
      return 1
    fi
    sleep 0.2
  done

  if ! "$out/matrix-devices-server" user list --database "$database" | grep '@demo:' >/dev/null; then
    printf '%s' "$password" | "$out/matrix-devices-server" user add demo --database "$database" \
      >/dev/null
  fi
  local token devices
  token=$(log_in LAPTOP "Laptop")
  devices=$(curl -sSf -H "Authorization: Bearer $token" "$url/_matrix/client/v3/devices")
  grep -q '"PHONE"' <<<"$devices" || log_in PHONE "Phone" >/dev/null
  grep -q '"TABLET"' <<<"$devices" || log_in TABLET "Old tablet" >/dev/null

  local auth='"auth":{"type":"m.login.password","identifier":{"type":"m.id.user","user":"demo"},"password":"'$password'"}'
  local bearer="-H 'Authorization: Bearer $token'"
  local json="-H 'Content-Type: application/json'"
  local base=$url/_matrix/client/v3
  printf '%s\n' "
==> Serving on $url (Ctrl-C stops). Account demo, devices LAPTOP, PHONE, TABLET.
==> Requests are logged in ${log#"$root"/}
==> To try it, in another terminal:

# list the devices
curl $bearer $base/devices

# rename one
curl -X PUT $bearer $json $base/devices/PHONE -d '{\"display_name\":\"My phone\"}'

# delete one, with the password
curl -X DELETE $bearer $json $base/devices/PHONE -d '{$auth}'

# delete several at once
curl -X POST $bearer $json $base/delete_devices -d '{\"devices\":[\"PHONE\",\"TABLET\"],$auth}'
"
}

prepare_or_stop() {
  trap '' INT # Ctrl-C is the server's to handle
  set +e
  (set -e && prepare_and_print) # not as a condition: there `set -e` has no effect
  if [ $? -ne 0 ]; then
    echo "serve: the demo account could not be prepared; stopping" >&2
    kill -TERM "$$" 2>/dev/null
  fi
}
echo "==> Starting on $listen, database ${database#"$root"/}"
(prepare_or_stop &) # no child of the server, which would have to wait for it
exec "$out/matrix-devices-server" --listen "$listen" --database "$database" \
  --log-file "$log" --server-name localhost
