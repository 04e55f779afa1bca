# For scripts that are tests: counts cases, and prints what failed. Source it; the last thing to do is
# finish, which prints "N passed, N failed" and exits.
export CMAKE_GENERATOR=Ninja # of the two that CMake may take, this one is installed for our own build
passed=0
failed=0

# expect what command...: it succeeds. What it prints goes to $work/log, and is shown if it fails.
expect() {
    what=$1
    shift
    if "$@" >"$work/log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "failed: $what: $*"
        tail -n 40 "$work/log"
    fi
}

# prints what pattern command...: the same, and a line of what it prints matches.
prints() {
    what=$1
    pattern=$2
    shift 2
    output=$("$@" 2>&1)
    status=$?
    if [ "$status" -eq 0 ] && echo "$output" | grep -Eq "$pattern"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf '%s: exit status %s, no line like "%s":\n%s\n' "$what" "$status" "$pattern" "$output"
    fi
}

finish() {
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
    exit
}
