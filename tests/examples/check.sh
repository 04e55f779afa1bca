#!/bin/sh
# Runs the examples against the servers in the environment and looks at what they print.
#   creche-test-servers -- sh check.sh FOLDER-OF-THE-PROGRAMS
# The last line is "N passed, N failed".
bin=$1
passed=0
failed=0

# expect name pattern command...: exit status 0, and a line that matches.
expect() {
    name=$1
    pattern=$2
    shift 2
    output=$("$@" 2>&1)
    status=$?
    if [ "$status" -eq 0 ] && echo "$output" | grep -Eq "$pattern"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf '%s: exit status %s, no line like "%s":\n%s\n' "$name" "$status" "$pattern" "$output"
    fi
}

expect "fetch_all fetches" '^200 +1024 http' "$bin/example_fetch_all" "$HTTP_URL/small" "$HTTP_URL/small"
expect "fetch_all reports" '^--- http://127.0.0.1:1/: ' "$bin/example_fetch_all" http://127.0.0.1:1/
expect "page_store stores" '^pages: 3$' \
    "$bin/example_page_store" "$HTTP_URL/small" "$HTTP_URL/small" "$HTTP_URL/missing"
expect "section times out" '^section: CRECHE_E_TIMEOUT$' "$bin/example_section"
expect "section cleans up" '^cleaned up: CRECHE_OK$' "$bin/example_section"
expect "streams a body" '^body: 67108864 bytes$' "$bin/example_streams" "$HTTP_URL/big"
expect "streams rows" '^rows: 100000, sum 5000050000$' "$bin/example_streams" "$HTTP_URL/small"

# The same in C++.
expect "fetch_all in C++ fetches" '^200 +1024 http' "$bin/example_fetch_all_cpp" "$HTTP_URL/small"
expect "fetch_all in C++ reports" '^--- http://127.0.0.1:1/: ' "$bin/example_fetch_all_cpp" http://127.0.0.1:1/
expect "page_store in C++ crawls" '^good: 2$' \
    "$bin/example_page_store_cpp" "$HTTP_URL/small" "$HTTP_URL/small" "$HTTP_URL/missing"
expect "page_store in C++ notes" '^pages: 3$' "$bin/example_page_store_cpp"
expect "section in C++ times out" '^section: CRECHE_E_TIMEOUT$' "$bin/example_section_cpp"
expect "section in C++ cleans up" '^cleaned up: CRECHE_OK$' "$bin/example_section_cpp"
expect "streams a body in C++" '^body: 67108864 bytes$' "$bin/example_streams_cpp" "$HTTP_URL/big"
expect "streams rows in C++" '^rows: 100000, sum 5000050000$' "$bin/example_streams_cpp" "$HTTP_URL/small"
expect "one fetches and waits" "^200, 1024 bytes$" "$bin/example_one" "$HTTP_URL/small" "$DATABASE_URL"
expect "one queries and waits" "^[3-9] databases$" "$bin/example_one" "$HTTP_URL/small" "$DATABASE_URL"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
