#!/bin/sh
# Gets the Debian packages that the scenario tests need and that are missing: nginx, wrk, python3, chromium, curl,
# dnsmasq, redis, postgresql, mariadb, iproute2, nghttp2, openssl, testssl.sh, haproxy, pebble. Only as root on Debian; elsewhere it names what is missing, and the tests that need it
# are skipped (or, under CI=true, fail). EVENKEEL_NO_INSTALL=1 leaves the machine as it is.
set -eu

missing=""
have() {
  command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || ls /usr/lib/postgresql/*/bin/"$1" >/dev/null 2>&1
}
need() { # need COMMAND PACKAGE
  have "$1" || missing="$missing $2"
}
need curl curl
need python3 python3-minimal
need nginx nginx-light
need wrk wrk
need chromium chromium
need dnsmasq dnsmasq-base
need redis-server redis-server
need initdb postgresql
need mariadbd mariadb-server
need ip iproute2
need h2load nghttp2-client
need nghttpd nghttp2-server
need openssl openssl
need testssl testssl.sh
need haproxy haproxy
need pebble pebble

[ -n "$missing" ] || exit 0
if [ "${EVENKEEL_NO_INSTALL:-}" = 1 ] || [ "$(id -u)" != 0 ] || ! [ -f /etc/debian_version ] || ! have apt-get; then
  echo "test: not installed here:$missing (tests that need them are skipped)" >&2
  exit 0
fi

echo "test: getting$missing" >&2
# Debian starts services when it installs them; nginx would take port 80. A policy script forbids that meanwhile.
policy=/usr/sbin/policy-rc.d
own_policy=""
if ! [ -e "$policy" ]; then
  own_policy=1
  trap 'rm -f "$policy"' EXIT INT TERM
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
get() { # one package after the other, so that one that cannot be had does not keep the others away
  apt-get install -y --no-install-recommends "$1" >>"$log" 2>&1 || {
    echo "test: apt-get install $1 failed:" >&2
    tail -n 5 "$log" >&2
  }
}
apt-get update >"$log" 2>&1 || { echo "test: apt-get update failed:" >&2; tail -n 5 "$log" >&2; }
for package in $missing; do get "$package"; done
rm -f "$log"
[ -z "$own_policy" ] || rm -f "$policy"
exit 0
