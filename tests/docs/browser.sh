#!/bin/sh
# Looks at the site in a real browser. Installs it where it can; a folder as the argument gets screenshots.
# Usage: browser.sh [FOLDER-FOR-PICTURES]. CRECHE_BUILD_DIR: the build (build-release).
# The last line is "N passed, N failed", or "skipped: reason".
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=${CRECHE_BUILD_DIR:-$root/build-release}
. "$root/tests/support/packages.sh"
install_missing chromium chromium-driver python3-markdown fonts-dejavu-core
# Configured again: a build that has not found what the site needs does not look for it by itself.
if ! cmake -S "$root" -B "$build" >/dev/null || ! cmake --build "$build" --target docs; then
    echo "0 passed, 1 failed"
    exit 1
fi
python3 "$here/browser.py" "$build/docs/site" "$@"
