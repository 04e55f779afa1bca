#!/bin/sh
# Benchmarks: ours and its peers in one run, as a table and, with --json FILE, as JSON.
#
#   sh tests/bench/run.sh [--quick] [--only NAME]... [--json FILE]
#
# NAME is core, http, https, pg_held, pg_pool, pg_stream, or a section of core: spawn, scope, cancel,
# timers, post, drain, limiter, event, channel, memory, cost.
#
# Clients run on one core, nginx and PostgreSQL (private ones, on loopback) on another. Peers of HTTP
# and PostgreSQL: wrk, libcurl, hyper, pgbench, a bare libpq loop, tokio-postgres. Peers of the core:
# tokio, Go, asyncio, Trio. What is missing on the machine is skipped, with the reason.
set -eu
from=$PWD
cd "$(dirname "$0")/../.."

# shellcheck source=tests/support/packages.sh
. tests/support/packages.sh
# shellcheck disable=SC2086
install_missing $build_packages wrk libcurl4-openssl-dev python3-venv

# The core alone needs no servers.
servers=1
for argument; do
    case $argument in --only*) servers= ;; esac
done
for argument; do
    case ${argument#--only=} in http | https | pg_*) servers=1 ;; esac
done

build=$PWD/build-bench
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCRECHE_BUILD_BENCH=ON >/dev/null
# shellcheck disable=SC2086
cmake --build "$build" --target core_bench \
    ${servers:+creche-test-servers http_bench curl_bench pg_bench libpq_bench} >&2

# The peers. What cannot be built is left out; bench.py says so.
peers=
if command -v cargo >/dev/null 2>&1; then
    echo "building the Rust peers" >&2
    # One that does not build must not cost the others.
    CARGO_TARGET_DIR=$build/peers cargo build --release -q --locked --keep-going \
        --manifest-path tests/bench/peers/Cargo.toml || true
    peers=$build/peers/release
fi
[ -n "$peers" ] || echo "no Rust peers (hyper, tokio, tokio-postgres): cargo is missing" >&2
rm -f "$build/go_bench"
if command -v go >/dev/null 2>&1; then
    echo "building the Go peer" >&2
    (cd tests/bench/peers && go build -o "$build/go_bench" .) || true
fi
venv=$build/venv
if ! "$venv/bin/python" -c 'import trio' 2>/dev/null; then
    echo "installing Trio" >&2
    { python3 -m venv "$venv" && "$venv/bin/pip" install -q --disable-pip-version-check trio; } >&2 || true
fi

PATH=$PATH:$(ls -d /usr/lib/postgresql/*/bin | tail -n 1)
export PATH
cores=$(getconf _NPROCESSORS_ONLN)
client=0
server=$((cores > 1 ? 1 : 0))
set -- taskset -c "$client" python3 tests/bench/bench.py --build "$build" --peers "$peers" \
    --from "$from" "$@"
[ -n "$servers" ] || exec "$@"
exec taskset -c "$server" "$build/tests/creche-test-servers" -- "$@"
