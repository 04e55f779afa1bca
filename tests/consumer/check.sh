#!/bin/sh
# Installs a build into a folder of its own and uses it as users do: by pkg-config and by
# find_package, shared and static. All examples must build in all four ways, and hello must run.
# Usage: check.sh <build folder> [whole]
# whole: builds the library anew with a user's flags, too, which takes as long as a first build.
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
# Where only the archive is installed these flags are enough. It alone is static: what it needs
# comes as shared libraries, as distributions ship them.
cp -r "$prefix" "$work/static"
find "$work/static" -name 'libcreche.so*' -exec rm {} +
static_lib=$work/static${lib#"$prefix"}
static_flags=$(PKG_CONFIG_PATH=$static_lib/pkgconfig pkg-config --static --cflags --libs creche)
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
# shellcheck disable=SC2086
expect "hello in C++, pkg-config" c++ -std=c++20 "$here/hello.cc" -o "$work/hello-cpp" $shared_flags
expect "hello in C++ runs" "$work/hello-cpp"
expect "hello runs" "$work/hello"
expect "static hello runs" "$work/hello-static"
expect "the program of README.md runs" "$work/readme"
expect "hello uses the SONAME" sh -c "readelf -d '$work/hello' | grep -q 'libcreche.so.[0-9]*.[0-9]*]'"
expect "static hello needs no libcreche.so" \
    sh -c "! readelf -d '$work/hello-static' | grep -q libcreche"

archive=$static_lib/libcreche.a
# DW.ref.* are the compiler's: hidden pointers to what exceptions need, one for all that have them.
expect "the archive defines nothing but creche_* in C" sh -c \
    "! nm --defined-only -g '$archive' | awk 'NF == 3 { print \$3 }' | grep -vE '^(_Z|creche_|DW\.ref\.)' | grep ."
expect "the licence is installed" find "$prefix" -name LICENSE -size +0 -exec grep -q MIT {} +
expect "the description of the ABI and manual pages are installed" sh -c \
    "grep -q creche_group_open '$prefix/share/creche/creche.json' && ls '$prefix/share/man/man3/creche_group_open.3'"
expect "the notice of what is inside is installed" sh -c \
    "pkg-config --exists libllhttp || grep -q Indutny \$(find '$prefix' -name LICENSE.llhttp)"

# Other flags than those of the presets: what they warn of does not stop a user.
launchers=
if command -v ccache >/dev/null; then
    launchers="-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache"
fi
# shellcheck disable=SC2086
expect "Release: configure" cmake -S "$here/../.." -B "$work/release" -G Ninja \
    -DCMAKE_BUILD_TYPE=Release -DCRECHE_BUILD_TESTS=OFF $launchers
[ "$2" != whole ] || expect "Release: build" cmake --build "$work/release" --target creche

list=$(echo "$programs" | tr ' ' ';')
expect "find_package" cmake -S "$here/project" -B "$work/project" "-DCMAKE_PREFIX_PATH=$prefix" \
    "-DPROGRAMS=$list"
expect "build with find_package" cmake --build "$work/project"
expect "hello of find_package runs" "$work/project/hello-creche"
expect "static hello of find_package runs" "$work/project/hello-creche_static"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
