#!/bin/sh
# The servers of others: installs those that Debian and PyPI have, and makes the same exchanges with each.
# usage: check.sh [NAME ...]; a part of tests/run.sh --all. The last line is "N passed, N failed".
#   CRECHE_BUILD_DIR  the library and the test servers; default: build-release
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${CRECHE_BUILD_DIR:-$root/build-release}
cd "$root" || exit 1
# shellcheck source=tests/support/packages.sh
. tests/support/packages.sh
install_missing apache2-bin lighttpd lighttpd-mod-openssl haproxy nghttp2-server caddy python3-aiohttp >&2
CRECHE_LIBRARY=$(find "$build" -maxdepth 1 -name libcreche.so) PYTHONDONTWRITEBYTECODE=1
export CRECHE_LIBRARY PYTHONDONTWRITEBYTECODE
# Debian's own Python has Debian's aiohttp.
exec "$build/tests/creche-test-servers" --no-postgres -- /usr/bin/python3 tests/foreign/check.py "$@"
