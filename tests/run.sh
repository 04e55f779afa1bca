#!/bin/sh
# All tests, from nothing: installs what is missing, builds everything, runs everything.
#
#   sh tests/run.sh            everything: release, sanitizers, a second compiler, bindings
#   sh tests/run.sh --quick    the inner loop: the release build with unit and ABI tests and lints
#
# The last line is "N passed, N failed" (and ", N skipped" if something was), counted by single
# cases; the exit status is 0 if nothing failed. Output of what failed is shown; all of it stays in
# build-logs/. Running it again builds only what has changed, and needs no network.
set -u
cd "$(dirname "$0")/.." || exit 1

quick=
case ${1-} in
--quick) quick=1 ;;
'') ;;
*) sed -n '2,9s/^# \{0,1\}//p' tests/run.sh && exit 2 ;;
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
packages="$build_packages git clang-format-14"
[ -n "$quick" ] || packages="$packages clang-14 abigail-tools binutils"

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

# check preset name ctest-arguments...
check() {
    preset=$1
    name=$2
    shift 2
    if ctest --test-dir "build-$preset" -N "$@" | grep -q 'Total Tests: 0'; then return 0; fi
    begin "$preset: $name"
    ctest --test-dir "build-$preset" --output-junit "$log.xml" -j "$jobs" \
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

# shellcheck disable=SC2086
install_missing $packages
jobs=$(getconf _NPROCESSORS_ONLN)
launchers=
if command -v ccache >/dev/null; then
    launchers="-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache"
fi

if [ -n "$quick" ]; then
    build release && check release "unit, ABI, lints" -L '^(unit|capi|lint|support)$'
else
    if build release; then
        check release "tests" -LE '^(lint|clang|header|abi|consumer|stress)$'
        check release "lints" -L '^lint$'
        check release "clang" -L '^clang$'
        check release "headers" -L '^header$'
        check release "ABI" -L '^abi$'
        check release "installed" -L '^consumer$'
        check release "stress" -L '^stress$'
    fi
    if build asan; then
        check asan "tests" -L '^(unit|capi|integration|fault|support)$'
    fi
    if build tsan; then
        check tsan "tests" -L '^(unit|capi|fault)$'
        check tsan "cancel storm" -R '^integration_cancel_storm$'
    fi
    for language in rust go python; do
        [ ! -e "tests/bindings/$language.sh" ] ||
            CRECHE_BUILD_DIR=$PWD/build-release script "binding: $language" \
                sh "tests/bindings/$language.sh"
    done
fi

echo "$(($(date +%s) - start)) s; logs are in build-logs/"
summary="$passed passed, $failed failed"
[ "$skipped" -eq 0 ] || summary="$summary, $skipped skipped"
echo "$summary"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
