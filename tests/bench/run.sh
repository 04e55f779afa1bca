#!/bin/sh
# Benchmarks: ours and its peers in one run, as a table and, with --json FILE, as JSON.
#
#   sh tests/bench/run.sh [--quick] [--only NAME]... [--json FILE]
#
# NAME is core, http, https, http_one (one at a time), http_64k, https_64k, pg_held, pg_pool, pg_stream, pg_copy,
# or a section of core: spawn, scope, cancel, timers, post, drain, limiter, event, channel, memory, cost.
# Charts of FILE: tests/bench/chart.py FILE FOLDER.
#
# Clients run on one core, nginx and PostgreSQL (private ones, on loopback) on another. Peers of HTTP:
# wrk, libcurl, hyper, reqwest, Go's net/http, aiohttp (on uvloop, too); of PostgreSQL: pgbench, a bare
# libpq loop, tokio-postgres, pgx and pgxpool, asyncpg and psycopg 3 on uvloop; of the core: tokio, Go,
# asyncio, Trio. What is missing on the machine is skipped, with the reason.
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
    case ${argument#--only=} in http* | pg_*) servers=1 ;; esac
done

build=$PWD/build-bench
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCRECHE_BUILD_BENCH=ON >/dev/null
# shellcheck disable=SC2086
cmake --build "$build" --target core_bench \
    ${servers:+creche-test-servers http_bench curl_bench pg_bench pg_copy_bench libpq_bench} >&2

# The peers. What cannot be built is left out; bench.py says so.
peers=
if command -v cargo >/dev/null 2>&1; then
    echo "building the Rust peers" >&2
    # One that does not build must not cost the others.
    CARGO_TARGET_DIR=$build/peers cargo build --release -q --locked --keep-going \
        --manifest-path tests/bench/peers/Cargo.toml || true
    peers=$build/peers/release
fi
[ -n "$peers" ] || echo "no Rust peers (hyper, reqwest, tokio, tokio-postgres): cargo is missing" >&2
rm -rf "$build/go_bench" "$build/go_peers"
if command -v go >/dev/null 2>&1; then
    echo "building the Go peers" >&2
    (cd tests/bench/peers && go build -o "$build/go_bench" . &&
        go build -o "$build/go_peers/net_http" ./net_http) || true
    (cd tests/bench/peers/pgx && go build -o "$build/go_peers/pgx" .) || true
fi
venv=$build/venv
if ! "$venv/bin/python" -c 'import trio, aiohttp, uvloop, asyncpg, psycopg, matplotlib' 2>/dev/null; then
    echo "installing the Python peers" >&2
    python3 -m venv "$venv" >&2 || true
    # One that cannot be had must not cost the others.
    for package in trio aiohttp uvloop asyncpg 'psycopg[binary]' matplotlib; do
        "$venv/bin/pip" install -q --disable-pip-version-check "$package" >&2 || true
    done
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
