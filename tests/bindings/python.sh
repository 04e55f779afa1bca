#!/bin/sh
# The Python way in: the library, installed into a folder of its own, loaded by ctypes into asyncio
# programs. The last line is "N passed, N failed", or "skipped: reason".
#   CRECHE_BUILD_DIR  what to install; default: build-release
#   PYTHON            default: python3
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${CRECHE_BUILD_DIR:-$root/build-release}
python=${PYTHON:-python3}
if ! command -v "$python" >/dev/null; then
    echo "skipped: no $python"
    exit 0
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "skipped: $python is older than 3.11"
    exit 0
fi
work=$(mktemp -d "${TMPDIR:-/tmp}/creche-python-XXXXXX") || exit 1
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
"$build/tests/creche-test-servers" -- "$python" -X dev -W error "$root/tests/bindings/python/test_creche.py" \
    >"$work/log" 2>&1
status=$?
cat "$work/log"
# What never got as far as counting.
case $(tail -n 1 "$work/log") in
*' passed, '*' failed') ;;
*)
    echo "0 passed, 1 failed"
    status=1
    ;;
esac
exit "$status"
