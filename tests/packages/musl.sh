#!/bin/sh
# How far musl is tried: Debian's musl-tools have a C compiler, so the public headers are compiled with it,
# each on its own and in a program. The library is not: there is no C++ library for musl there, and none of
# the libraries that it needs. The last line is "N passed, N failed", or "skipped: reason".
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/support/packages.sh"
install_missing musl-tools
command -v musl-gcc >/dev/null || { echo "skipped: there is no musl-gcc"; exit 0; }
passed=0
failed=0
compiles() {
    if musl-gcc -std=c99 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I"$root/include" "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "failed: $*"
    fi
}
for header in "$root"/include/creche/*.h; do compiles -x c "$header"; done
compiles "$root/tests/consumer/hello.c"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
