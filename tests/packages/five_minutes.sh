#!/bin/sh
# The first five minutes of a new user of C, in a Debian 12 that has nothing but its base (debootstrap): the commands
# and the first program stand in the guide (tests/guide/first-program.md), and are taken from there. Each stage
# is timed. The last line is "N passed, N failed", or "skipped: reason".
# Usage: five_minutes.sh [FOLDER]     a root that debootstrap has made; it is changed
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/support/packages.sh"
[ "$(id -u)" = 0 ] || { echo "skipped: chroot needs root"; exit 0; }
install_missing debootstrap
work=$(mktemp -d "${TMPDIR:-/tmp}/creche-five-XXXXXX") || exit 1
server=
finish_all() {
    [ -z "$server" ] || kill "$server" 2>/dev/null
    umount "$system/proc" 2>/dev/null
    rm -rf "$work"
}
trap finish_all EXIT
trap 'exit 1' HUP INT TERM
. "$root/tests/support/expect.sh"

# ---- A fresh system, and the sources as they would be cloned ----
system=${1:-$work/system}
if [ ! -e "$system/etc/debian_version" ] &&
    ! debootstrap --variant=minbase bookworm "$system" http://deb.debian.org/debian >"$work/log" 2>&1; then
    tail -n 5 "$work/log"
    echo "skipped: debootstrap makes no system here"
    exit 0
fi
mount -t proc proc "$system/proc" || { echo "skipped: nothing can be mounted here"; exit 0; }
cp /etc/resolv.conf "$system/etc/"
# Who types says yes.
echo 'APT::Get::Assume-Yes "true"; APT::Install-Recommends "false";' >"$system/etc/apt/apt.conf.d/90yes"
mkdir -p "$system/creche" "$system/mine"
(cd "$root" && git ls-files -z | tar c --null -T -) | tar x -C "$system/creche"

# ---- What the guide says ----
# block N: the commands of its N-th block.
block() {
    awk -v wanted="$1" '/^```sh/ { n++; inside = 1; next } /^```/ { inside = 0 } inside && n == wanted' \
        "$root/tests/guide/first-program.md"
}
whole=0
stage() { # what folder commands
    begin=$(date +%s)
    expect "$1" chroot "$system" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        DEBIAN_FRONTEND=noninteractive HOME=/root sh -ec "cd $2
$3"
    took=$(($(date +%s) - begin))
    whole=$((whole + took))
    echo "$1: $took s"
}
python3 -m http.server --bind 127.0.0.1 --directory "$system/creche/tests/guide" 8799 >/dev/null 2>&1 &
server=$!

stage "lists of packages" / "apt-get update"
install=$(block 1 | sed '/^cmake/,$d')
build=$(block 1 | sed -n '/^cmake/,$p')
stage "packages" /creche "$install"
stage "build and install" /creche "$build"
cp "$root/tests/guide/first.c" "$system/mine/"
stage "the first program" /mine "$(block 2 | sed -n '/^cc/p')"
prints "it runs" '^200 http://127.0.0.1:8799/first.c$' chroot "$system" /mine/first http://127.0.0.1:8799/first.c
prints "there are manual pages" 'creche_session_fetch' chroot "$system" ls /usr/local/share/man/man3
echo "$whole s in all"
[ "$whole" -le 300 ] || echo "more than five minutes: on this machine, with what else it does"
finish
