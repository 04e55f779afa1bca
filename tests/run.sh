#!/bin/sh
# All tests, from nothing: installs what is missing, builds everything, runs everything.
#
#   sh tests/run.sh            everything: release, sanitizers, a second compiler, bindings
#   sh tests/run.sh --quick    the inner loop: the release build with unit and ABI tests and lints
#   sh tests/run.sh --all      everything, and what takes hours: a million random programs, each
#                              single allocation fails, fuzzing for a while, storms, a short soak
#   sh tests/run.sh --repeat [N [NAMES]]  every test program N times (50), six at a time; with a
#                              regular expression only those whose names it is found in
#   sh tests/run.sh --soak SECONDS everything at random against real servers, for so long
#
# The last line is "N passed, N failed" (and ", N skipped" if something was), counted by single
# cases; the exit status is 0 if nothing failed. Output of what failed is shown; all of it stays in
# build-logs/. Running it again builds only what has changed, and needs no network.
set -u
cd "$(dirname "$0")/.." || exit 1

quick=
all=
repeat=
soak=
usage() {
    sed -n '2,15s/^# \{0,1\}//p' tests/run.sh
    exit 2
}
is_number() {
    case $1 in '' | 0* | *[!0-9]*) return 1 ;; esac
}
case ${1-} in
--quick) quick=1 ;;
--all) all=1 ;;
--repeat) repeat=${2:-50} names=${3-} && is_number "$repeat" || usage ;;
--soak) soak=${2-} && is_number "$soak" || usage ;;
'') ;;
*) usage ;;
esac

logs=$PWD/build-logs
rm -rf "$logs"
mkdir -p "$logs"
passed=0
failed=0
skipped=0
start=$(date +%s)

# ---- What is needed ----
install_log=$logs/install
. tests/support/packages.sh
packages="$build_packages git clang-format-14 mandoc python3-markdown"
[ -n "$quick$repeat$soak" ] || packages="$packages clang-14 abigail-tools binutils valgrind"
# clang's own libraries for sanitizers and fuzzing are only recommended by it.
[ -z "$all" ] || packages="$packages libclang-rt-14-dev libfuzzer-14-dev python3-asyncpg"

# ---- Steps ----
# begin name; then end adds up its counts and says how it went.
begin() {
    step=$1
    log=$logs/$(echo "$step" | tr -d ':,' | tr ' ' '-')
    step_start=$(date +%s)
    printf '%-28s' "$step"
}
end() { # passed failed skipped
    passed=$((passed + $1))
    failed=$((failed + $2))
    skipped=$((skipped + $3))
    printf '%5s passed, %s failed' "$1" "$2"
    [ "$3" -eq 0 ] || printf ', %s skipped' "$3"
    printf '  (%s s)\n' "$(($(date +%s) - step_start))"
}

# build preset: one failure if anything does not compile; what does is tested all the same.
build() {
    begin "$1: build"
    if cmake --preset "$1" $launchers >"$log" 2>&1 &&
        cmake --build --preset "$1" -- -k 0 >>"$log" 2>&1; then
        printf '       built  (%s s)\n' "$(($(date +%s) - step_start))"
        return 0
    fi
    end 0 1 0
    grep -E 'FAILED|error|undefined reference|CMake Error' "$log" | head -n 40
    [ -e "build-$1/CTestTestfile.cmake" ]
}

# check preset name ctest-arguments...: a step that finds no tests is one that nobody would miss.
check() {
    preset=$1
    name=$2
    shift 2
    begin "$preset: $name"
    if ctest --test-dir "build-$preset" -N "$@" | grep -q 'Total Tests: 0$'; then
        end 0 1 0
        echo "    there are no such tests: $*"
        return
    fi
    # Tests wait for servers more than they compute: the processors are kept busy by more of them.
    ctest --test-dir "build-$preset" --output-junit "$log.xml" -j "$((2 * jobs))" \
        --test-output-size-passed 1000000 --test-output-size-failed 1000000 "$@" >"$log" 2>&1
    # The last line has the counts, all before it is the output of failures.
    if python3 tests/support/count.py "$log.xml" >"$log.counts" 2>>"$log"; then
        # shellcheck disable=SC2046
        end $(tail -n 1 "$log.counts" | tr -cd '0-9 ')
        sed '$d' "$log.counts" | tail -n 200
    else
        end 0 1 0
        tail -n 20 "$log"
    fi
}

# script name command...: its last line has the counts, or "skipped: reason".
script() {
    begin "$1"
    shift
    "$@" >"$log" 2>&1
    status=$?
    last=$(tail -n 1 "$log")
    case $last in
    skipped:*)
        end 0 0 1
        echo "    $last"
        ;;
    *' passed, '*' failed'*)
        good=$(echo "$last" | sed 's/^\([0-9]*\) passed.*/\1/')
        bad=$(echo "$last" | sed 's/.*passed, \([0-9]*\) failed.*/\1/')
        [ "$status" -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
        end "$good" "$bad" 0
        [ "$bad" -eq 0 ] || tail -n 60 "$log"
        ;;
    *)
        end 0 1 0
        tail -n 60 "$log"
        ;;
    esac
}

# long name seconds command...: one case, by its exit status; stopped after so long.
long() {
    begin "$1"
    limit=$2
    shift 2
    if timeout --kill-after=30 "$limit" "$@" >"$log" 2>&1; then
        end 1 0 0
        tail -n 1 "$log"
    else
        end 0 1 0
        tail -n 60 "$log"
    fi
}

# What the default leaves out, because it takes hours.
long_tests() {
    tests=$PWD/build-release/tests
    long "a million random programs" 14400 "$tests/capi_structured_random" 1000000
    long "lifetimes" 7200 env CRECHE_LIFETIMES_ROUNDS=3000 "$tests/capi_stress_lifetimes"
    long "threads on one loop" 900 env CRECHE_STRESS_SECONDS=300 "$tests/capi_stress_threads"
    long "posts to one loop" 900 env CRECHE_STRESS_SECONDS=120 "$tests/capi_stress_posts"
    long "storms of cancels" 7200 env CRECHE_STORM_ROUNDS=3000 "$tests/integration_cancel_storm"
    long "a server goes down" 7200 env CRECHE_FAULT_ROUNDS=100 "$tests/integration_faults_pg"
    long "installed, built by a user" 3600 sh tests/consumer/check.sh build-release whole
    script "packages: .deb" sh tests/packages/deb.sh
    script "packages: crates" sh tests/packages/rust.sh
    script "packages: Conan, vcpkg" sh tests/packages/managers.sh
    script "packages: musl" sh tests/packages/musl.sh
    script "packages: arm64" sh tests/packages/arm64.sh
    script "the first five minutes" sh tests/packages/five_minutes.sh
    for part in tasks http ways h2 pg; do
        long "every allocation fails: $part" 21600 env CRECHE_EVERY=1 "$tests/fault_${part}_memory"
    done
    script "each part of creche.hpp" env CRECHE_EVERY=1 python3 tests/header/check.py
    script "the site in a browser" sh tests/docs/browser.sh
    long "a soak of 20 s" 900 env CRECHE_SOAK_SECONDS=20 "$tests/integration_soak"
    long "languages by their FFI" 1800 sh tests/bindings/ffi.sh --all
    script "servers of others" sh tests/foreign/check.sh
    script "WebSockets: Autobahn" python3 tests/foreign/autobahn.py build-release/autobahn "$tests/websocket_echo"
    long "types, compared with asyncpg" 600 sh tests/differential/pg_types.sh
    fuzz=$PWD/build-fuzz
    targets=$(cd tests/fuzz && ls *_fuzz.cc | sed "s/\.cc//")
    begin "fuzz: build"
    # shellcheck disable=SC2086
    if cmake -S . -B "$fuzz" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_C_COMPILER=clang-14 \
        -DCMAKE_CXX_COMPILER=clang++-14 -DCRECHE_LIBFUZZER=ON \
        -DCRECHE_SANITIZE=address,undefined $launchers >"$log" 2>&1 &&
        cmake --build "$fuzz" --target $targets >>"$log" 2>&1; then
        printf '       built  (%s s)\n' "$(($(date +%s) - step_start))"
    else
        end 0 1 0
        tail -n 20 "$log"
        return
    fi
    for target in $targets; do
        mkdir -p "$logs/$target"
        long "fuzz: $target" 1200 "$fuzz/tests/fuzz/$target" -max_total_time=600 \
            "-artifact_prefix=$logs/" "$logs/$target" "tests/fuzz/corpus/$target"
    done
}

# Each test program that CTest knows, so often, six at a time: what fails once has its log kept.
repeat_all() {
    begin "each program $repeat times"
    if python3 tests/support/repeat.py build-release "$repeat" "$logs/repeat" "$names" >"$log" 2>&1; then
        # shellcheck disable=SC2046
        end $(tail -n 1 "$log" | tr -cd '0-9 ')
        sed '$d' "$log"
    else
        end 0 1 0
        tail -n 20 "$log"
    fi
}

# shellcheck disable=SC2086
install_missing $packages
jobs=$(getconf _NPROCESSORS_ONLN)
launchers=
if command -v ccache >/dev/null; then
    export CCACHE_SLOPPINESS=pch_defines,time_macros
    launchers="-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache"
fi

if [ -n "$soak" ]; then
    build release && long "a soak of $soak s" $((soak + 900)) \
        env CRECHE_SOAK_SECONDS="$soak" build-release/tests/integration_soak
elif [ -n "$repeat" ]; then
    build release && repeat_all
elif [ -n "$quick" ]; then
    build release && check release "unit, ABI, lints" -L '^(unit|capi|lint|docs|support)$'
else
    if build release; then
        check release "tests" -LE '^(lint|docs|clang|header|abi|consumer|counts)$'
        check release "clang" -L '^clang$'
        check release "lints, docs" -L '^(lint|docs|header)$'
        check release "ABI, install" -L '^(abi|consumer)$'
        # Alone: beside others the servers send a stream in more pieces, each of which costs a little.
        check release "counts" -L '^counts$'
    fi
    if build asan; then
        check asan "tests" -L '^(unit|capi|integration|support)$'
    fi
    if build tsan; then
        check tsan "tests" -L '^(unit|capi)$'
        check tsan "cancel storm" -R '^integration_cancel_storm$'
    fi
    for language in rust go python ffi; do
        [ ! -e "tests/bindings/$language.sh" ] ||
            CRECHE_BUILD_DIR=$PWD/build-release script "binding: $language" \
                sh "tests/bindings/$language.sh"
    done
    [ -z "$all" ] || long_tests
fi

echo "$(($(date +%s) - start)) s; logs are in build-logs/"
summary="$passed passed, $failed failed"
[ "$skipped" -eq 0 ] || summary="$summary, $skipped skipped"
echo "$summary"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
