#!/bin/sh
# Tests of the Rust binding.
#
#   CRECHE_BUILD_DIR   a build of the library with its test servers; default: build-release
#   CRECHE_PREFIX      where the library is installed; wins over the build's own
#
# Takes a Rust that is there and new enough, else installs Debian's. The one crate that is needed is
# futures-core, for the feature `stream`: it is fetched once. The last line is "N passed, N failed" or
# "skipped: reason".
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root" || exit 1
. tests/support/packages.sh

# ---- Rust ----
oldest=85 # 1.85; rust-version in bindings/rust/Cargo.toml
new_enough() { # rustc
    minor=$("$1" --version 2>/dev/null | sed -n 's/^rustc 1\.\([0-9]*\).*/\1/p')
    [ -n "$minor" ] && [ "$minor" -ge "$oldest" ]
}
find_rust() {
    for folder in $(echo "$PATH" | tr ':' ' ') "${CARGO_HOME:-${HOME:-/root}/.cargo}/bin" /usr/bin; do
        if [ -x "$folder/cargo" ] && new_enough "$folder/rustc"; then
            PATH=$folder:$PATH
            export PATH
            return 0
        fi
    done
    return 1
}
if ! find_rust; then
    install_missing rustc-web cargo-web
    find_rust || {
        echo "skipped: no Rust of 1.$oldest or later (Debian 12: rustc-web and cargo-web)"
        exit 0
    }
fi
rustc --version

# ---- The library ----
build=${CRECHE_BUILD_DIR:-$root/build-release}
case $build in /*) ;; *) build=$root/$build ;; esac
unset CRECHE_LIB_DIR CRECHE_INCLUDE_DIR
if [ -n "${CRECHE_PREFIX-}" ]; then
    pc=$(find "$CRECHE_PREFIX" -name creche.pc | head -n 1)
    if [ -z "$pc" ]; then
        echo "skipped: no creche.pc below $CRECHE_PREFIX"
        exit 0
    fi
    PKG_CONFIG_PATH=$(dirname "$pc"):${PKG_CONFIG_PATH-}
    export PKG_CONFIG_PATH
    libraries=$(pkg-config --variable=libdir creche)
elif [ -e "$build/libcreche.so" ]; then
    export CRECHE_LIB_DIR="$build" CRECHE_INCLUDE_DIR="$root/include"
    libraries=$build
else
    echo "skipped: no library in $build; set CRECHE_BUILD_DIR or CRECHE_PREFIX"
    exit 0
fi
LD_LIBRARY_PATH=$libraries:${LD_LIBRARY_PATH-}
export LD_LIBRARY_PATH

# ---- Checks ----
passed=0
failed=0
check() { # name command...
    name=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
        echo "ok: $name"
    else
        failed=$((failed + 1))
        echo "FAILED: $name"
    fi
}

cd bindings/rust || exit 1
export CARGO_TERM_COLOR=never RUST_BACKTRACE="${RUST_BACKTRACE-0}"
cargo fetch --locked || {
    echo "skipped: futures-core cannot be had from the registry, nor was it before"
    exit 0
}
options="--locked --offline"
if command -v python3 >/dev/null; then
    check "declarations are those of the headers" python3 creche-sys/generate.py --check
fi
if cargo fmt --version >/dev/null 2>&1; then check "format" cargo fmt --check; fi
if cargo clippy --version >/dev/null 2>&1; then
    # shellcheck disable=SC2086
    check "clippy" cargo clippy $options --quiet --all-targets --all-features -- -D warnings \
        -D clippy::incompatible_msrv
fi
# shellcheck disable=SC2086
check "documentation" env RUSTDOCFLAGS="-D warnings" cargo doc $options --quiet --no-deps --all-features

# Both crates can be packaged, without a warning, and have all that builds the library in them.
packaged() {
    log=$(mktemp)
    cargo package $options --no-verify --allow-dirty -p creche-sys -p creche >"$log" 2>&1
    good=$?
    ! grep -q '^warning' "$log" || good=1
    for part in CMakeLists.txt include/creche/creche.h src/capi/loop.cc pkgconfig/creche.pc.in; do
        tar tzf target/package/creche-sys-*.crate | grep -q "/vendor/$part\$" || { echo "no $part"; good=1; }
    done
    [ "$good" = 0 ] || cat "$log"
    rm -f "$log"
    return "$good"
}
check "cargo package" packaged

# Where pkg-config finds an installed library, nothing has to be said.
installed() {
    prefix=$(mktemp -d) || return 1
    cmake --install "$build" --prefix "$prefix" >"$prefix/log" 2>&1 &&
        (
            unset CRECHE_LIB_DIR CRECHE_INCLUDE_DIR
            PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name creche.pc)")
            LD_LIBRARY_PATH=$(dirname "$(find "$prefix" -name libcreche.so)")
            export PKG_CONFIG_PATH LD_LIBRARY_PATH
            # shellcheck disable=SC2086
            cargo test $options --quiet --target-dir target/installed -p creche-sys
        ) >>"$prefix/log" 2>&1 || { cat "$prefix/log"; rm -rf "$prefix"; return 1; }
    rm -rf "$prefix"
}
if [ -z "${CRECHE_PREFIX-}" ] && command -v cmake >/dev/null && command -v pkg-config >/dev/null; then
    check "an installed library, by pkg-config" installed
fi

# ---- Tests ----
servers=
if [ -x "$build/tests/creche-test-servers" ]; then
    servers="$build/tests/creche-test-servers --"
else
    echo "no $build/tests/creche-test-servers: tests that need a server fail without CRECHE_TEST_OFFLINE=1"
fi
# The classic examples print what those of all languages print.
classic() {
    # shellcheck disable=SC2086
    cargo build $options --quiet -p creche --example classic &&
        $servers python3 -B "$root/tests/examples/classic/check.py" target/debug/examples/classic
}
if [ -n "$servers" ] && command -v python3 >/dev/null; then check "the classic examples" classic; fi
log=$(mktemp)
# shellcheck disable=SC2086
$servers cargo test $options --features stream --no-fail-fast >"$log" 2>&1
status=$?
cat "$log"
good=$(sed -n 's/^test result: .* \([0-9]*\) passed; .*/\1/p' "$log" | awk '{ n += $1 } END { print n + 0 }')
bad=$(sed -n 's/^test result: .* \([0-9]*\) failed; .*/\1/p' "$log" | awk '{ n += $1 } END { print n + 0 }')
rm -f "$log"
# Something that did not even build or run.
if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then bad=1; fi
passed=$((passed + good))
failed=$((failed + bad))
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
