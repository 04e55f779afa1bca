#!/bin/sh
# What a fetch costs a crawler, in CPU, by the number of origins that wait for a connection: it must not
# grow with them. usage: sh tests/bench/origins.sh [ORIGINS ...], default 1000 16000 100000
set -eu
cd "$(dirname "$0")/../.."

# shellcheck source=tests/support/packages.sh
. tests/support/packages.sh
# shellcheck disable=SC2086
install_missing $build_packages libcurl4-openssl-dev

build=$PWD/build-bench
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCRECHE_BUILD_BENCH=ON >/dev/null
cmake --build "$build" --target origins_bench >&2
exec "$build/tests/bench/origins_bench" "$@"
