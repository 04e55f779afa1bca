#!/bin/sh
# The archive of the sources, and the .deb files made from what is in it: looked at, then installed in a
# copy of this system (an overlay in a mount namespace, which is gone afterwards), used, and removed.
# The last line is "N passed, N failed", or "skipped: reason".
# Usage: deb.sh [folder]     keeps the packages there
root=$(cd "$(dirname "$0")/../.." && pwd)
keep=${1-}
. "$root/tests/support/packages.sh"
# shellcheck disable=SC2086
install_missing $build_packages dpkg-dev file lintian
for tool in dpkg-deb dpkg-shlibdeps cpack; do
    command -v $tool >/dev/null || { echo "skipped: there is no $tool"; exit 0; }
done
work=$(mktemp -d "${TMPDIR:-/tmp}/creche-deb-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
. "$root/tests/support/expect.sh"
launchers=
# All as in the preset release, whose objects ccache may have.
if command -v ccache >/dev/null; then
    CCACHE_BASEDIR=$work CCACHE_NOHASHDIR=1
    export CCACHE_BASEDIR CCACHE_NOHASHDIR
    launchers="-DCRECHE_WERROR=ON -DCRECHE_PRECOMPILE=OFF -DCMAKE_C_COMPILER_LAUNCHER=ccache
        -DCMAKE_CXX_COMPILER_LAUNCHER=ccache"
fi

# ---- The sources ----
# Only a build knows how to make the archive; it need not be built for that.
expect "configure" cmake -S "$root" -B "$work/first" -G Ninja -DCRECHE_BUILD_TESTS=OFF
expect "archive of the sources" cmake --build "$work/first" --target package_source
archive=$(find "$work/first/packages" -maxdepth 1 -name 'creche-*.tar.gz')
expect "it can be unpacked" tar xzf "$archive" -C "$work"
sources=$(find "$work" -maxdepth 1 -type d -name 'creche-[0-9]*')
expect "it has nothing that was built, and no history" sh -c \
    "! find '$sources' -name .git -o -name 'build*' -type d -o -name target -type d -o -name '*.pyc' | grep ."
expect "it has everything else" sh -c "cd '$root' && git ls-files 2>/dev/null | while read -r file; do
    [ ! -e \"\$file\" ] || [ -e '$sources'/\"\$file\" ] || { echo \"\$file\"; exit 1; }
done"

# ---- The packages ----
# shellcheck disable=SC2086
expect "configure the unpacked sources" cmake --preset package -S "$sources" $launchers
expect "packages" cmake --build "$sources/build-package" --target package
debs=$sources/build-package/packages
runtime=$(find "$debs" -maxdepth 1 -name 'libcreche[0-9]*.deb')
development=$(find "$debs" -maxdepth 1 -name 'libcreche-dev_*.deb')
[ -e "$runtime" ] && [ -e "$development" ] || { failed=$((failed + 1)); finish; }
[ -z "$keep" ] || { mkdir -p "$keep" && cp "$archive" "$runtime" "$development" "$keep"; }
for deb in "$runtime" "$development"; do
    echo "$(basename "$deb"): $(($(stat -c %s "$deb") / 1024)) KiB, installed $(dpkg-deb -f "$deb" Installed-Size) KiB"
done
field() { dpkg-deb -f "$@"; }
expect "the runtime depends on what it uses" sh -c "dpkg-deb -f '$runtime' Depends |
    grep 'libc6 (>=' | grep 'libssl3 (>=' | grep 'libpq5 (>=' | grep libevent-core | grep -q libnghttp2"
expect "and on nothing that is for developing" sh -c "! dpkg-deb -f '$runtime' Depends | grep -e -dev"
expect "the development files belong to one runtime" sh -c \
    "dpkg-deb -f '$development' Depends | grep -qF 'libcreche$(field "$runtime" Package | tr -d a-z) (= $(field "$runtime" Version))'"
expect "ldconfig is triggered" sh -c "dpkg-deb -I '$runtime' triggers | grep -q ldconfig"
expect "others learn what to depend on" sh -c "dpkg-deb -I '$runtime' shlibs | grep -q '^libcreche '"
mkdir "$work/root"
dpkg-deb -x "$runtime" "$work/root" && dpkg-deb -x "$development" "$work/root"
expect "no debug information" sh -c "! find '$work/root' -name 'libcreche.*' -type f -exec readelf -S {} + | grep -F .debug_"
expect "nothing but the library in the runtime" sh -c \
    "! dpkg-deb -c '$runtime' | grep -vE '/\$|/libcreche\.so\.[0-9.]*( ->|\$)|/usr/share/(doc|lintian)/'"
# The address is that of whoever makes packages: DEBEMAIL.
if command -v lintian >/dev/null; then
    expect "lintian" lintian --fail-on error,warning --allow-root \
        --suppress-tags bogus-mail-host,bogus-mail-host-in-debian-changelog "$runtime" "$development"
fi

# ---- Installed ----
cp "$root/tests/consumer/hello.c" "$debs"
cat >"$debs/inside.sh" <<'END'
# In the copy: installs, builds and runs hello in each way, removes.
set -e
cd /srv
dpkg -i ./*.deb
ldconfig -p | grep -q 'libcreche.so.[0-9.]* '
cc -std=c99 hello.c -o /tmp/hello $(pkg-config --cflags --libs creche) -pthread
/tmp/hello
cat >/tmp/CMakeLists.txt <<'CMAKE'
cmake_minimum_required(VERSION 3.21)
project(hello LANGUAGES C)
find_package(creche REQUIRED)
find_package(Threads REQUIRED)
foreach(kind creche creche_static)
  add_executable(hello-${kind} /srv/hello.c)
  target_link_libraries(hello-${kind} PRIVATE creche::${kind} Threads::Threads)
endforeach()
CMAKE
cmake -S /tmp -B /tmp/build && cmake --build /tmp/build
/tmp/build/hello-creche
/tmp/build/hello-creche_static
dpkg -r libcreche-dev
/tmp/hello
dpkg -P libcreche-dev $(dpkg-query -W -f '${Package}\n' 'libcreche[0-9]*')
! ldconfig -p | grep libcreche
! find /usr -path '*creche*' -not -path '/usr/local/*' | grep .
END
installed() {
    mkdir -p "$work/overlay"
    # shellcheck disable=SC2016
    unshare --mount sh -ec '
        mount -t tmpfs none "$1" && mkdir "$1/upper" "$1/work" "$1/all"
        mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/all"
        for folder in proc dev sys; do mount --rbind /$folder "$1/all/$folder"; done
        mount -t tmpfs none "$1/all/tmp"
        mount --bind "$2" "$1/all/srv"
        chroot "$1/all" env -u LD_LIBRARY_PATH -u PKG_CONFIG_PATH -u CMAKE_PREFIX_PATH sh -x /srv/inside.sh
    ' overlay "$work/overlay" "$debs"
}
if unshare --mount true 2>/dev/null; then
    expect "installed, used, removed" installed
else
    echo "not installed: no rights to mount anything here"
fi
finish
