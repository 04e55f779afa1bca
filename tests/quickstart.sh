#!/bin/sh
# The main job, from nothing: fetches thousands of documents and stores what came of each in PostgreSQL.
#
#   sh tests/quickstart.sh             the documents of this machine (/usr/share), over http and https
#                                      from a private nginx, into a private PostgreSQL; both are gone
#                                      afterwards
#   sh tests/quickstart.sh URL...      these instead; into DATABASE_URL if that is set
#
# Installs what is missing (Debian packages, as root or by sudo), builds, runs tests/examples/harvest.c.
# The last line is harvest's: "harvest: N urls, OK ok, F failed, R rows stored, S s"; so is the exit
# status: 0 if everything was fetched and stored. Run it again: only what has changed is built.
set -eu
cd "$(dirname "$0")/.."

# shellcheck source=tests/support/packages.sh
. tests/support/packages.sh
# shellcheck disable=SC2086
install_missing $build_packages

launchers=
if command -v ccache >/dev/null; then
    launchers="-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache"
fi
echo "building (build-release/)..."
mkdir -p build-logs
# shellcheck disable=SC2086
{
    cmake --preset release $launchers &&
        cmake --build --preset release --target example_harvest creche-test-servers
} >build-logs/quickstart 2>&1 || {
    tail -n 30 build-logs/quickstart
    echo "the build failed; all of its output is in build-logs/quickstart"
    exit 1
}
bin=build-release/tests

# With URLs given, only what is missing is started.
if [ "$#" -gt 0 ]; then
    [ -z "${DATABASE_URL-}" ] || exec "$bin/example_harvest" "$@"
    exec "$bin/creche-test-servers" --no-nginx -- "$bin/example_harvest" "$@"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap : INT TERM # harvest stores what it has; the end of the servers is waited for
cat >"$work/urls.py" <<'URLS'
# Prints URLs of real files below /usr/share, each over http and over https: 3,000 to 4,000 files that
# nginx's unprivileged worker may read, of at most 1 MiB, those of documentation first.
import os
import stat
import urllib.parse

ROOT = "/usr/share"
WANTED = 4000

def files(folder):
    for path, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if os.stat(os.path.join(path, f)).st_mode & stat.S_IXOTH)
        for name in sorted(names):
            file = os.path.join(path, name)
            info = os.lstat(file)
            if stat.S_ISREG(info.st_mode) and info.st_mode & stat.S_IROTH and info.st_size <= 1 << 20:
                yield file

found = {}
for folder in ("doc", "man", "info", "perl", "zoneinfo", "i18n", ""):
    for file in files(os.path.join(ROOT, folder)) if len(found) < WANTED else ():
        found.setdefault(file)
        if len(found) == WANTED:
            break
for file in found:
    path = urllib.parse.quote(os.fsencode(file[len(ROOT):]))
    for base in (os.environ["HTTP_URL"], os.environ["HTTPS_URL"]):
        print(base + path)
URLS
cat >"$work/run.sh" <<'RUN'
python3 "$1/urls.py" >"$1/urls"
exec "$2/example_harvest" --ca "$CA_FILE" -f "$1/urls"
RUN
"$bin/creche-test-servers" --root /usr/share -- sh "$work/run.sh" "$work" "$bin"
