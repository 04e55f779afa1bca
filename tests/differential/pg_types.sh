#!/bin/sh
# Values of every type, through asyncpg and through this library (pg_types.py says more). The last line is
# "N passed, N failed", or "skipped: reason".
#   CRECHE_BUILD_DIR  what to install; default: build-release
#   PYTHON            one that has asyncpg; default: Debian's
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${CRECHE_BUILD_DIR:-$root/build-release}
python=${PYTHON:-/usr/bin/python3}
if ! "$python" -c 'import asyncpg' 2>/dev/null; then
    echo "skipped: no asyncpg (Debian: python3-asyncpg)"
    exit 0
fi
work=$(mktemp -d "${TMPDIR:-/tmp}/creche-differential-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
if ! cmake --install "$build" --prefix "$work/prefix" >"$work/log" 2>&1; then
    cat "$work/log"
    echo "0 passed, 1 failed"
    exit 1
fi
CRECHE_PREFIX=$work/prefix
CRECHE_LIBRARY=$(find "$work/prefix" -name libcreche.so)
PYTHONDONTWRITEBYTECODE=1
export CRECHE_PREFIX CRECHE_LIBRARY PYTHONDONTWRITEBYTECODE
"$build/tests/creche-test-servers" -- "$python" "$root/tests/differential/pg_types.py"
