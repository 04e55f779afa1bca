#!/bin/sh
# Makes the ABI of a built library the one that later builds are compared with.
# Usage: update.sh <libcreche.so>
set -e
here=$(cd "$(dirname "$0")" && pwd)
python3 "$here/check.py" --list "$1" >"$here/symbols.txt"
python3 "$here/check.py" --constants >"$here/constants.txt"
# Nothing in it depends on where, or with which versions of other libraries, it was built.
abidw --exported-interfaces-only --headers-dir "$here/../../include" --drop-private-types --no-corpus-path --no-elf-needed \
    --no-comp-dir-path --no-show-locs --type-id-style hash --out-file "$here/libcreche.abi" "$1"
sed -i "s|path='[^']*/src/|path='src/|" "$here/libcreche.abi"
