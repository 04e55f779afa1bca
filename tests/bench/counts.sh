#!/bin/sh
# What one operation of each kind costs in instructions, allocations and system calls: the gates that
# do not wobble, on however busy a machine. usage: sh tests/bench/counts.sh [--keep] [KIND ...]
# KIND is a part of a name in its table: fetch, https, query, pool, spawn, scope. With --keep the table
# is written to counts.json: a test fails when a path grows by more than 3 % over what is kept there.
set -eu
cd "$(dirname "$0")/../.."

# shellcheck source=tests/support/packages.sh
. tests/support/packages.sh
# shellcheck disable=SC2086
install_missing $build_packages valgrind strace

keep=
if [ "${1-}" = --keep ]; then
    keep=--keep
    shift
fi
build=$PWD/build-bench
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo >/dev/null
cmake --build "$build" --target count_bench creche-test-servers >&2
exec "$build/tests/creche-test-servers" -- \
    python3 tests/bench/counts.py $keep "$build/tests/bench/count_bench" "$@"
