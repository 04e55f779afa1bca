#!/bin/sh
# Whether loops share anything: the same work on 1, 2, 4 and 8 of them, each on a thread of its own.
#
#   sh tests/bench/loops.sh [N]     N operations of each loop, default 200000
#
# Prints nanoseconds of CPU time for each operation, with how many times that is of one loop's (within
# 1.1 on a quiet machine with a processor for each), and, of valgrind, its instructions (within 1.03 on
# any). Requests and queries go to servers on the same machine, which take processors away: instructions
# only.
set -eu
cd "$(dirname "$0")/../.."

# shellcheck source=tests/support/packages.sh
. tests/support/packages.sh
# shellcheck disable=SC2086
install_missing $build_packages libcurl4-openssl-dev valgrind

build=$PWD/build-bench
if [ "${1-}" != --counts ]; then
    cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCRECHE_BUILD_BENCH=ON >/dev/null
    cmake --build "$build" --target loops_bench creche-test-servers >&2
    env -u HTTP_URL -u DATABASE_URL "$build/tests/bench/loops_bench" "${1:-200000}"
    exec "$build/tests/creche-test-servers" -- sh "$0" --counts
fi

instructions() { # N SECTION LOOPS
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$build/tests/bench/loops_bench" "$@" 2>&1 |
        sed -n 's/.*Collected : //p'
}
short=500 long=1500
for section in tasks completions held requests queries; do
    one=
    for loops in 1 2 4 8; do
        first=$(instructions $short $section $loops)
        second=$(instructions $long $section $loops)
        # Each loop does it twice.
        each=$(((second - first) / (2 * (long - short) * loops)))
        one=${one:-$each}
        awk "BEGIN { printf \"%s_%d %d instructions (%.2f)\n\", \"$section\", $loops, $each, $each / $one }"
    done
done
