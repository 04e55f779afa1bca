#!/bin/sh
# Installs a build into a folder of its own and uses it as users do: by pkg-config and by
# find_package, shared and static. All examples must build in all four ways, and hello must run.
# Usage: check.sh <build folder>
here=$(cd "$(dirname "$0")" && pwd)
build=$1
work=$(mktemp -d "${TMPDIR:-/tmp}/creche-consumer-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix
passed=0
failed=0

# expect what command...
expect() {
    what=$1
    shift
    if "$@" >"$work/log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "failed: $what: $*"
        cat "$work/log"
    fi
}

expect install cmake --install "$build" --prefix "$prefix"
lib=$(dirname "$(dirname "$(find "$prefix" -name creche.pc)")")
PKG_CONFIG_PATH=$lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
LD_LIBRARY_PATH=$lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export PKG_CONFIG_PATH LD_LIBRARY_PATH
shared_flags=$(pkg-config --cflags --libs creche)
# Only our own archive is static: what it needs comes as shared libraries, as distributions ship them.
static_flags=$(pkg-config --static --cflags --libs creche |
    sed 's/-lcreche\>/-l:libcreche.a/')
# The program that README.md shows must build, too.
awk '/^```c$/ { inside = 1; next } /^```/ { inside = 0 } inside' "$here/../../README.md" \
    >"$work/readme.c"
# name_*.c beside name.c are parts of that program.
programs=
for program in "$here/hello.c" "$work/readme.c" "$here"/../examples/*.c; do
    whole=$(dirname "$program")/$(basename "$program" .c | sed 's/_.*//').c
    [ "$whole" != "$program" ] && [ -e "$whole" ] || programs="$programs $program"
done

for program in $programs; do
    name=$(basename "$program" .c)
    parts=$(find "$(dirname "$program")" -name "${name}_*.c")
    # Unquoted on purpose: flags are words.
    # shellcheck disable=SC2086
    expect "$name, pkg-config" cc -std=c99 "$program" $parts -o "$work/$name" $shared_flags -pthread
    # shellcheck disable=SC2086
    expect "$name, pkg-config --static" \
        cc -std=c99 "$program" $parts -o "$work/$name-static" $static_flags -pthread
done
expect "hello runs" "$work/hello"
expect "static hello runs" "$work/hello-static"
expect "the program of README.md runs" "$work/readme"
expect "hello uses the SONAME" sh -c "readelf -d '$work/hello' | grep -q 'libcreche.so.[0-9]*.[0-9]*]'"
expect "static hello needs no libcreche.so" \
    sh -c "! readelf -d '$work/hello-static' | grep -q libcreche"

list=$(echo "$programs" | tr ' ' ';')
expect "find_package" cmake -S "$here/project" -B "$work/project" "-DCMAKE_PREFIX_PATH=$prefix" \
    "-DPROGRAMS=$list"
expect "build with find_package" cmake --build "$work/project"
expect "hello of find_package runs" "$work/project/hello-creche"
expect "static hello of find_package runs" "$work/project/hello-creche_static"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
