#!/bin/sh
# The module under the path where it is to be had: its path in the sources of the library names no place,
# so that they may lie anywhere.
# Usage: module.sh PATH FOLDER           a copy in FOLDER, as the root of a repository would have it
#        module.sh PATH FOLDER VERSION   what `go get PATH@VERSION` asks a proxy for:
#                                        GOPROXY=file://FOLDER GONOSUMDB=PATH
set -e
here=$(cd "$(dirname "$0")" && pwd)
[ $# -ge 2 ] || { sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 2; }
path=$1
folder=$2
version=${3-}
copy=$folder
if [ -n "$version" ]; then
    copy=$(mktemp -d)
    trap 'rm -rf "$copy"' EXIT
fi
mkdir -p "$copy"
for file in $(cd "$here" && find . -name '*.go' -o -name '*.[ch]' -o -name go.mod -o -name README.md); do
    mkdir -p "$copy/$(dirname "$file")"
    sed "s|libcreche/creche|$path|g" "$here/$file" >"$copy/$file"
done
cp "$here/../../LICENSE" "$copy/LICENSE"
[ -n "$version" ] || exit 0

# Capitals are escaped in the names of proxies' files.
escaped=$(echo "$path" | sed 's/[A-Z]/!&/g' | tr '[:upper:]' '[:lower:]')
proxy=$folder/$escaped/@v
mkdir -p "$proxy"
cp "$copy/go.mod" "$proxy/$version.mod"
echo "{\"Version\":\"$version\"}" >"$proxy/$version.info"
echo "$version" >>"$proxy/list"
python3 - "$copy" "$path@$version" "$proxy/$version.zip" <<'END'
import os, sys, zipfile
copy, prefix, name = sys.argv[1:]
with zipfile.ZipFile(name, "w", zipfile.ZIP_DEFLATED) as archive:
    for folder, _, files in os.walk(copy):
        for file in sorted(files):
            path = os.path.join(folder, file)
            archive.write(path, os.path.join(prefix, os.path.relpath(path, copy)))
END
