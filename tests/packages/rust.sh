#!/bin/sh
# What a stranger does: an empty crate that wants `creche` as it would be published, on a machine without
# libcreche. It is built from the sources in creche-sys, linked in, and run.
# The last line is "N passed, N failed", or "skipped: reason".
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/support/packages.sh"
# shellcheck disable=SC2086
install_missing $build_packages
command -v cargo >/dev/null || install_missing rustc-web cargo-web
command -v cargo >/dev/null || { echo "skipped: there is no cargo"; exit 0; }
work=$(mktemp -d "${TMPDIR:-/tmp}/creche-crate-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
unset CRECHE_LIB_DIR CRECHE_INCLUDE_DIR CRECHE_NO_VENDOR CRECHE_STATIC PKG_CONFIG_PATH LD_LIBRARY_PATH
export CARGO_TARGET_DIR="$work/target" CARGO_TERM_COLOR=never
. "$root/tests/support/expect.sh"
package() {
    cd "$root/bindings/rust" && cargo package --no-verify --allow-dirty -p creche-sys -p creche &&
        for crate in "$work"/target/package/*.crate; do tar xzf "$crate" -C "$work" || return 1; done
}
expect "cargo package" package
mkdir -p "$work/empty/src"
cat >"$work/empty/Cargo.toml" <<'END'
[package]
name = "empty"
version = "0.1.0"
edition = "2024"

[dependencies]
creche = { path = "../creche-0.1.0", features = ["vendored"] }

[patch.crates-io]
creche-sys = { path = "../creche-sys-0.1.0" }
END
cat >"$work/empty/src/main.rs" <<'END'
use creche::{Loop, LoopOptions, Times, sleep};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let on = Loop::open(LoopOptions::new().on_caller())?;
    on.block_on(async { sleep(1.millis()).within(on).await })??;
    on.close()?;
    on.join(10.secs())?;
    println!("it runs");
    Ok(())
}
END
expect "cargo build in an empty crate" sh -c "cd '$work/empty' && cargo build"
expect "it runs" sh -c "'$work/target/debug/empty' | grep -q 'it runs'"
expect "and needs no libcreche.so" sh -c "! ldd '$work/target/debug/empty' | grep creche"
finish
