#!/bin/sh
# The recipe for Conan and the port for vcpkg, as far as they go without their servers. Conan itself makes
# the package, shared and static, from packages that stand for its server's (conan/system.py), and a program
# is built with it. Of vcpkg only the port is run (vcpkg/run.cmake).
# The last line is "N passed, N failed", or "skipped: reason".
root=$(cd "$(dirname "$0")/../.." && pwd)
here=$root/tests/packages
. "$root/tests/support/packages.sh"
# shellcheck disable=SC2086
install_missing $build_packages python3-venv
work=$(mktemp -d "${TMPDIR:-/tmp}/creche-managers-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
. "$root/tests/support/expect.sh"
if command -v ccache >/dev/null; then
    export CMAKE_C_COMPILER_LAUNCHER="${CMAKE_C_COMPILER_LAUNCHER-ccache}"
    export CMAKE_CXX_COMPILER_LAUNCHER="${CMAKE_CXX_COMPILER_LAUNCHER-ccache}"
fi

# ---- vcpkg ----
port=$root/pkgconfig/vcpkg/creche
expect "vcpkg.json names this version" sh -c \
    "grep -q \"\\\"version\\\": \\\"\$(sed -n 's/^#define CRECHE_VERSION_\\(MAJOR\\|MINOR\\|PATCH\\) *//p' \
    '$root/include/creche/base.h' | paste -sd.)\\\"\" '$port/vcpkg.json'"
for linkage in dynamic static; do
    prefix=$work/vcpkg-$linkage
    expect "port, $linkage" cmake "-DPORT=$port" "-DBUILD=$work/vcpkg-build" "-DLINKAGE=$linkage" \
        "-DCURRENT_PACKAGES_DIR=$prefix" -P "$here/vcpkg/run.cmake"
    expect "find_package, $linkage" cmake -S "$here/vcpkg" -B "$work/program-$linkage" \
        "-DCMAKE_PREFIX_PATH=$prefix" "-DPROGRAM=$root/tests/consumer/hello.c"
    expect "build, $linkage" cmake --build "$work/program-$linkage"
    expect "run, $linkage" "$work/program-$linkage/hello"
done

# ---- Conan ----
python3 -m venv "$work/venv" >"$work/log" 2>&1 && "$work/venv/bin/pip" install -q 'conan>=2,<3' >>"$work/log" 2>&1
conan=$work/venv/bin/conan
if [ ! -x "$conan" ]; then
    echo "no conan can be had here"
else
    export CONAN_HOME="$work/conan"
    expect "conan profile" "$conan" profile detect
    "$conan" remote disable '*' >/dev/null 2>&1
    for package in libevent/2.1.12 openssl/3.0.1 libpq/15.1 zlib/1.2.13 brotli/1.0.9 zstd/1.5.4 libpsl/0.21.2 \
        libidn2/2.3.3 libnghttp2/1.52.0 llhttp/6.0.10; do
        expect "$package stands for" "$conan" create "$here/conan/system.py" --name "${package%/*}" \
            --version "${package#*/}" --test-folder ""
    done
    cp -r "$here/conan/test_package" "$work"
    export CRECHE_TREE="$root"
    for shared in True False; do
        expect "conan create, shared: $shared" "$conan" create "$root/pkgconfig/conan" -tf "$work/test_package" \
            -s compiler.cppstd=20 -o "creche/*:shared=$shared"
    done
fi
finish
