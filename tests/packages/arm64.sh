#!/bin/sh
# The library cross-built for arm64, and run by qemu: programs of a user, and the tests of the core's
# inside. The last line is "N passed, N failed", or "skipped: reason".
# Usage: arm64.sh [more words for CMake]
# What it is linked with is unpacked beside it, not installed: it could not stand beside this machine's.
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/support/packages.sh"
# shellcheck disable=SC2086
install_missing $build_packages g++-aarch64-linux-gnu qemu-user
compiler=aarch64-linux-gnu
for tool in $compiler-g++ qemu-aarch64 apt-get dpkg-deb; do
    command -v $tool >/dev/null || { echo "skipped: there is no $tool"; exit 0; }
done
work=$(mktemp -d "${TMPDIR:-/tmp}/creche-arm64-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
. "$root/tests/support/expect.sh"

# ---- Its system ----
system=$work/system
mkdir -p "$system" "$work/apt/state/lists/partial" "$work/apt/cache/archives/partial"
: >"$work/apt/status"
cat >"$work/apt/config" <<END
APT::Architecture "arm64";
#clear APT::Architectures;
APT::Architectures { "arm64"; };
Dir::State "$work/apt/state";
Dir::State::status "$work/apt/status";
Dir::Cache "$work/apt/cache";
END
fetch() {
    APT_CONFIG=$work/apt/config apt-get update -q &&
        APT_CONFIG=$work/apt/config apt-get install -q -y --download-only --no-install-recommends \
            libc6 libstdc++6 libevent-dev libssl-dev libpq-dev zlib1g-dev libbrotli-dev libzstd-dev \
            libpsl-dev libidn2-dev libnghttp2-dev libgtest-dev libcmocka-dev
}
fetch >"$work/log" 2>&1 || {
    tail -n 5 "$work/log"
    echo "skipped: no packages of arm64 can be had here"
    exit 0
}
# To develop with, the C library is the cross compiler's own.
for package in "$work"/apt/cache/archives/*.deb; do
    case $package in */libc6-dev_* | */linux-libc-dev_*) continue ;; esac
    dpkg-deb -x "$package" "$system"
done
libraries=$system/usr/lib/$compiler
# Absolute links lead back into it.
find "$system" -type l -lname '/*' | while read -r link; do
    ln -sfn "$system$(readlink "$link")" "$link"
done

# ---- The build ----
cat >"$work/toolchain.cmake" <<END
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER $compiler-gcc)
set(CMAKE_CXX_COMPILER $compiler-g++)
set(CMAKE_CROSSCOMPILING_EMULATOR "qemu-aarch64;-L;$system")
# Behind the compiler's own, which are of the same C library.
set(CMAKE_C_FLAGS_INIT "-idirafter $system/usr/include -idirafter $system/usr/include/$compiler")
set(CMAKE_CXX_FLAGS_INIT "\${CMAKE_C_FLAGS_INIT}")
set(links "-L$libraries -Wl,-rpath-link,$libraries:$system/lib/$compiler")
set(CMAKE_EXE_LINKER_FLAGS_INIT "\${links}")
set(CMAKE_SHARED_LINKER_FLAGS_INIT "\${links}")
set(CMAKE_FIND_ROOT_PATH $system)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
END
export PKG_CONFIG_LIBDIR="$libraries/pkgconfig:$system/usr/share/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$system"
launchers=
if command -v ccache >/dev/null; then
    launchers="-DCRECHE_PRECOMPILE=OFF -DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache"
fi
# shellcheck disable=SC2086
expect "configure" cmake -S "$root" -B "$work/build" -G Ninja "-DCMAKE_TOOLCHAIN_FILE=$work/toolchain.cmake" \
    -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX=/usr -DCMAKE_INSTALL_LIBDIR="lib/$compiler" \
    -DCRECHE_BUILD_TESTS="${CRECHE_ARM64_TESTS:-ON}" -DCRECHE_PRECOMPILE=ON $launchers "$@"
expect "build" cmake --build "$work/build" --target creche
on_arm() { qemu-aarch64 -L "$system" -E LD_LIBRARY_PATH="$work/build:$libraries" "$@"; }
expect "it is of that machine" sh -c "readelf -h '$work/build/libcreche.so' | grep -q AArch64"

# ---- Run ----
program() { # name sources...
    name=$1
    shift
    $compiler-gcc -std=c99 "$@" -I"$root/include" -o "$work/$name" -L"$work/build" -lcreche -pthread \
        -L"$libraries" "-Wl,-rpath-link,$libraries:$system/lib/$compiler"
}
expect "hello" program hello "$root/tests/consumer/hello.c"
expect "hello runs" on_arm "$work/hello"
expect "an example" program section "$root/tests/examples/section.c"
if [ "${CRECHE_ARM64_TESTS:-ON}" = ON ]; then
    for test in unit_core unit_tasks capi_structured_random; do
        expect "$test: build" cmake --build "$work/build" --target $test
    done
    expect "unit_core" on_arm "$work/build/tests/unit_core" --gtest_brief=1
    expect "unit_tasks" on_arm "$work/build/tests/unit_tasks" --gtest_brief=1
    expect "random programs" on_arm "$work/build/tests/capi_structured_random" 2000
fi
finish
