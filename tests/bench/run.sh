#!/bin/sh
# Benchmarks: ours and its peers in one run, as a table and, with --json FILE, as JSON.
#
#   sh tests/bench/run.sh [--quick] [--only core|http|https|pg_held|pg_pool|pg_stream] [--json FILE]
#
# Clients run on one core, nginx and PostgreSQL (private ones, on loopback) on another. Peers: wrk,
# libcurl, hyper, pgbench, a bare libpq loop, tokio-postgres; the Rust ones only where there is cargo.
set -eu
cd "$(dirname "$0")/../.."

# shellcheck source=tests/support/packages.sh
. tests/support/packages.sh
# shellcheck disable=SC2086
install_missing $build_packages wrk libcurl4-openssl-dev

build=$PWD/build-bench
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCRECHE_BUILD_BENCH=ON >/dev/null
cmake --build "$build" --target creche-test-servers core_bench http_bench curl_bench pg_bench \
    libpq_bench >&2

peers=
if command -v cargo >/dev/null 2>&1; then
    CARGO_TARGET_DIR=$build/peers cargo build --release -q --locked \
        --manifest-path tests/bench/peers/Cargo.toml && peers=$build/peers/release
fi
[ -n "$peers" ] || echo "no Rust peers (hyper, tokio-postgres): cargo is missing or could not build them" >&2

PATH=$PATH:$(ls -d /usr/lib/postgresql/*/bin | tail -n 1)
export PATH
cores=$(getconf _NPROCESSORS_ONLN)
client=0
server=$((cores > 1 ? 1 : 0))
exec taskset -c "$server" "$build/tests/creche-test-servers" -- \
    taskset -c "$client" python3 tests/bench/bench.py --build "$build" --peers "$peers" "$@"
