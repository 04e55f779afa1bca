#!/bin/sh
# Installs a build into a folder of its own and uses it as users do: by pkg-config and by
# find_package, shared and static. All examples must build in all four ways, and hello must run.
# What was installed can be taken away again. The sources can be a part of a user's project.
# Usage: check.sh <build folder> [whole]
# whole: builds that project, too, and so the library with a user's flags, which takes as long as a
# first build.
here=$(cd "$(dirname "$0")" && pwd)
build=$1
work=$(mktemp -d "${TMPDIR:-/tmp}/creche-consumer-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix
. "$here/../support/expect.sh"

# start what command...: the same, beside others; settle waits for them, and counts.
started=0
start() {
    started=$((started + 1))
    case=$work/case$started
    echo "$*" >"$case.what"
    shift
    { "$@" >"$case.log" 2>&1 && : >"$case.good"; } &
}
settle() {
    wait
    while [ "$started" -gt 0 ]; do
        case=$work/case$started
        if [ -e "$case.good" ]; then
            passed=$((passed + 1))
        else
            failed=$((failed + 1))
            echo "failed: $(cat "$case.what")"
            cat "$case.log"
        fi
        rm -f "$case".*
        started=$((started - 1))
    done
}
jobs=$(getconf _NPROCESSORS_ONLN)

# Without debug information, as packages are: it would be most of what is linked below.
expect install cmake --install "$build" --prefix "$prefix" --strip
cp "$build/install_manifest.txt" "$work"
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
    start "$name, pkg-config" cc -std=c99 "$program" $parts -o "$work/$name" $shared_flags -pthread
    # shellcheck disable=SC2086
    start "$name, pkg-config --static" \
        cc -std=c99 "$program" $parts -o "$work/$name-static" $static_flags -pthread
    [ "$started" -lt "$jobs" ] || settle
done
settle
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
expect "the declarations for FFIs are installed" sh -c \
    "grep -q 'creche_value creche_int4(int32_t i);' '$prefix'/share/creche/creche.ffi.h"
expect "the description of the ABI and manual pages are installed" sh -c \
    "grep -q creche_group_open '$prefix/share/creche/creche.json' && ls '$prefix/share/man/man3/creche_group_open.3'"
expect "the notice of what is inside is installed" sh -c \
    "pkg-config --exists libllhttp || grep -q Indutny \$(find '$prefix' -name LICENSE.llhttp)"

expect "nothing that is installed has debug information" sh -c \
    "! readelf -S '$lib/libcreche.so' '$archive' | grep -F .debug_info"

list=$(echo "$programs" | tr ' ' ';')
expect "find_package" cmake -S "$here/project" -B "$work/project" "-DCMAKE_PREFIX_PATH=$prefix" \
    "-DPROGRAMS=$list"
expect "build with find_package" cmake --build "$work/project" --parallel "$jobs"
expect "hello of find_package runs" "$work/project/hello-creche"
expect "static hello of find_package runs" "$work/project/hello-creche_static"

expect "find_package where only the archive is" cmake -S "$here/project" -B "$work/archive" \
    "-DCMAKE_PREFIX_PATH=$work/static" "-DPROGRAMS=$here/hello.c"
expect "build with it" cmake --build "$work/archive"
expect "creche::creche is the archive there" sh -c \
    "'$work/archive/hello-creche' && ! readelf -d '$work/archive/hello-creche' | grep -q libcreche"

# What somebody else has put beside ours stays, and so does its folder.
echo "not ours" >"$prefix/include/creche/other.h"
expect "uninstall" sh -c "cd '$work' && cmake -P '$here/../../pkgconfig/uninstall.cmake'"
expect "uninstall leaves what is not ours, and nothing of ours" \
    test "$(cd "$prefix" && find . ! -type d)" = ./include/creche/other.h
expect "uninstall leaves no empty folder of ours" \
    test "$(cd "$prefix" && find . -type d -name creche)" = ./include/creche

# The sources as a part of a user's project; what other flags than those of the presets warn of does
# not stop a user.
launchers=
if command -v ccache >/dev/null; then
    launchers="-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache"
fi
parent() { # folder options...
    folder=$work/$1
    shift
    # shellcheck disable=SC2086
    cmake -S "$here/parent" -B "$folder" -G Ninja "-DCRECHE_SOURCES=$(cd "$here/../.." && pwd)" \
        "-DPROGRAM=$here/hello.c" $launchers "$@"
}
commands() { # folder target...: of the library's sources and of the project's own
    ninja -C "$work/$1" -t commands hello hello-static
}
start "add_subdirectory: configure" parent part
start "FetchContent: configure" parent fetched -DFETCH=ON
settle
for way in part fetched; do
    commands $way >"$work/commands"
    expect "$way: optimized" grep -qe '-O3 -DNDEBUG.*/src/core/loop.cc' "$work/commands"
    expect "$way: warnings are no errors" sh -c "! grep -e '-Werror' '$work/commands'"
    expect "$way: nothing changes for the project's own" \
        sh -c "grep -e '-c .*hello.c' '$work/commands' | grep -vqE -e '-O|-Wall|-std|-fvis'"
    expect "$way: no tests" sh -c "! ninja -C '$work/$way' -t targets all | grep -E 'capi_.*_test|ctest-'"
done
if [ "$2" = whole ]; then
    expect "add_subdirectory: build" cmake --build "$work/part" --target hello hello-static
    expect "add_subdirectory: hello runs" "$work/part/hello"
    expect "add_subdirectory: static hello runs" "$work/part/hello-static"
    expect "add_subdirectory: install" cmake --install "$work/part" --prefix "$work/own"
    expect "add_subdirectory: only the project's own is installed" \
        test "$(cd "$work/own" && find . -type f)" = ./bin/hello
fi

finish
