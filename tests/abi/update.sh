#!/bin/sh
# Makes the ABI of a built library the one that later builds are compared with.
# Usage: update.sh <libcreche.so>
set -e
here=$(cd "$(dirname "$0")" && pwd)
python3 "$here/check.py" --list "$1" >"$here/symbols.txt"
abidw --headers-dir "$here/../../include" --drop-private-types --no-corpus-path \
    --no-comp-dir-path --no-show-locs --type-id-style hash --out-file "$here/libcreche.abi" "$1"
