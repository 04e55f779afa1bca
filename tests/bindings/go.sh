#!/bin/sh
# The Go binding, against the library installed into a folder of its own: layout, vet, tests with the
# race detector and real servers. The last line is "N passed, N failed", or "skipped: reason".
#   CRECHE_BUILD_DIR  what to install; default: build-release
#   GO                default: the first go that is new enough, or can get a toolchain that is
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${CRECHE_BUILD_DIR:-$root/build-release}
case $build in /*) ;; *) build=$root/$build ;; esac
package=$root/bindings/go
wanted=$(sed -n 's/^go \([0-9]*\.[0-9]*\).*/\1/p' "$package/go.mod")
work=$(mktemp -d "${TMPDIR:-/tmp}/creche-go-XXXXXX") || exit 1
# Go's module cache is read-only.
trap 'chmod -R u+w "$work" 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
passed=0
failed=0

# enough version: it is $wanted or later.
enough() {
    [ "$(printf '%s\n%s\n' "$wanted" "$1" | sort -V | head -n 1)" = "$wanted" ]
}

# usable go: prints the version that it is, or gets, for our module. Since 1.21 a go fetches the
# toolchain that a module asks for by itself, through the module proxy.
usable() {
    command -v "$1" >/dev/null || return 1
    found=$(cd "$package" && "$1" version 2>/dev/null | sed -n 's/^go version go\([0-9.]*\).*/\1/p')
    [ -n "$found" ] && enough "$found"
}

# A go that is installed already; then one from the distribution or its backports; then a toolchain as
# the module proxy has it, by a go that is too old to fetch it without being asked.
find_go() {
    for go in "${GO:-go}" go /usr/local/go/bin/go /usr/lib/go-*/bin/go; do
        usable "$go" && return 0
    done
    . "$root/tests/support/packages.sh"
    install_log=$work/install
    if command -v apt-cache >/dev/null; then
        newest=$(apt-cache search --names-only '^golang-1\.[0-9]+-go$' 2>/dev/null |
            sed -n 's/^golang-\(1\.[0-9]*\)-go .*/\1/p' | sort -V | tail -n 1)
        if [ -n "$newest" ] && enough "$newest"; then
            install_missing "golang-$newest-go"
        else
            command -v go >/dev/null || install_missing golang-go
        fi
    fi
    for go in go /usr/lib/go-*/bin/go; do
        usable "$go" && return 0
    done
    for go in go /usr/lib/go-*/bin/go; do
        if command -v "$go" >/dev/null && fetch_toolchain; then return 0; fi
    done
    return 1
}

# Toolchains are modules: golang.org/toolchain, with the name of the release as version. Their zip is
# checked by the checksum database like that of any module.
fetch_toolchain() {
    arch=$("$go" env GOARCH 2>/dev/null) && [ -n "$arch" ] || return 1
    toolchain=v0.0.1-go$wanted.12.linux-$arch
    mkdir -p "$work/fetch" && (
        cd "$work/fetch" && GOFLAGS=-modcacherw GOMODCACHE=$work/cache \
            "$go" mod download "golang.org/toolchain@$toolchain"
    ) >>"$work/install" 2>&1
    go=$work/cache/golang.org/toolchain@$toolchain/bin/go
    [ -e "$go" ] || return 1
    # Zips of modules have no modes.
    chmod -R +x "${go%/*}" "${go%/bin/go}/pkg/tool"
    GOROOT=${go%/bin/go}
    export GOROOT
    usable "$go"
}

# expect what command...: one case.
expect() {
    what=$1
    shift
    if "$@" >"$work/log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "failed: $what"
        cat "$work/log"
    fi
}

if ! find_go; then
    cat "$work/install" 2>/dev/null
    echo "skipped: no go $wanted or later is installed, nor can one be had here"
    exit 0
fi
cd "$package" || exit 1
if [ "$("$go" env CGO_ENABLED)" = 0 ] || ! command -v pkg-config >/dev/null; then
    echo "skipped: cgo needs a C compiler and pkg-config"
    exit 0
fi
echo "$("$go" version)"

# Always the same folder: what Go builds knows it, and is found again the next time.
prefix=$build/tests/go-prefix
rm -rf "$prefix"
expect "install" cmake --install "$build" --prefix "$prefix"
lib=$(dirname "$(dirname "$(find "$prefix" -name creche.pc)")")
PKG_CONFIG_PATH=$lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
LD_LIBRARY_PATH=$lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export PKG_CONFIG_PATH LD_LIBRARY_PATH
# Most of the time goes into building Go's own packages, so the user's cache is used. It knows packages
# with cgo by these flags, but neither by what pkg-config says nor by the headers: so the flags say it.
CGO_CPPFLAGS="${CGO_CPPFLAGS-} -DCX_HEADERS=$( (echo "$prefix" && cat "$prefix"/include/creche/*.h) | cksum | tr -d ' ')"
export CGO_CPPFLAGS
case $("$go" env GOCACHE) in
/*) ;;
*) GOCACHE=$work/gocache && export GOCACHE ;;
esac
# Without race detector where its run-time is not to be had; otherwise all is built only with it.
race=-race
"$go" test -race -run '^$' ./internal/cx >"$work/log" 2>&1 || race=

unformatted() {
    listed=$("$("$go" env GOROOT)/bin/gofmt" -l .) && echo "$listed" && [ -z "$listed" ]
}
expect "gofmt" unformatted
expect "go vet" "$go" vet $race ./...

in_subshell() { ("$@"); }
# A program of somebody else's, in a module of its own.
program() { # module
    cat >main.go <<END
package main

import (
	"context"
	"fmt"
	"time"

	"$1"
)

func main() { fmt.Println(creche.Sleep(context.Background(), time.Millisecond)) }
END
}
# By a replace, with the library as it was built, not installed: one variable says where that is.
consumer() {
    mkdir -p "$work/consumer" && cd "$work/consumer" || return 1
    program libcreche/creche
    cat >go.mod <<END
module consumer

go $wanted

require libcreche/creche v0.1.0

replace libcreche/creche => $package
END
    # Another word in the flags, for the reason above.
    CGO_CPPFLAGS="$CGO_CPPFLAGS -DCX_UNINSTALLED" PKG_CONFIG_PATH=$build
    unset LD_LIBRARY_PATH
    [ "$("$go" run $race .)" = "<nil>" ]
}
expect "a module that replaces ours, a library that is not installed" in_subshell consumer
# By `go get`, from a proxy that is a folder, under the path where somebody publishes it.
fetched() {
    path=example.org/Some/creche
    sh "$package/module.sh" "$path" "$work/proxy" v0.1.0
    mkdir -p "$work/fetched" && cd "$work/fetched" || return 1
    program "$path"
    GOPROXY=file://$work/proxy GONOSUMDB=$path GOFLAGS=-modcacherw GOMODCACHE=$work/modules GOTOOLCHAIN=local
    export GOPROXY GONOSUMDB GOFLAGS GOMODCACHE GOTOOLCHAIN
    "$go" mod init fetched && "$go" get "$path@v0.1.0" && [ "$("$go" run $race .)" = "<nil>" ]
}

expect "go get" in_subshell fetched
cd "$package" || exit 1
# The classic examples print what those of all languages print.
classic() {
    "$go" build $race -o "$work/classic" ./examples/classic &&
        "$build/tests/creche-test-servers" -- python3 -B "$root/tests/examples/classic/check.py" "$work/classic"
}
if command -v python3 >/dev/null; then expect "the classic examples" classic; fi

status=0
"$build/tests/creche-test-servers" -- "$go" test $race -vet=off -count=1 -timeout 300s -v ./... >"$work/log" 2>&1 || status=1
good=$(grep -c '^ *--- PASS' "$work/log")
bad=$(grep -c '^ *--- FAIL' "$work/log")
[ "$status" -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
[ "$status" -eq 0 ] || cat "$work/log"
passed=$((passed + good))
failed=$((failed + bad))

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
