#!/bin/sh
# Compares the types and functions of a built library with the committed baseline.
# Usage: diff.sh <libcreche.so>
here=$(cd "$(dirname "$0")" && pwd)
if ! command -v abidiff >/dev/null; then
    echo "skipped: no abidiff"
    exit 77
fi
# New functions are fine (symbols.txt has them); what old programs use must stay as it is.
if abidiff --exported-interfaces-only --no-added-syms \
    --suppressions "$here/suppressions.ini" "$here/libcreche.abi" "$1"; then
    echo "1 passed, 0 failed"
else
    echo "The ABI differs from tests/abi/libcreche.abi. If that is meant: tests/abi/update.sh"
    echo "0 passed, 1 failed"
    exit 1
fi
