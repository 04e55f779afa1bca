#!/bin/sh
# Runs the examples against the servers in the environment and looks at what they print.
#   creche-test-servers -- sh check.sh FOLDER-OF-THE-PROGRAMS
# The last line is "N passed, N failed".
bin=$1
. "$(dirname "$0")/../support/expect.sh"

prints "fetch_all fetches" '^200 +1024 http' "$bin/example_fetch_all" "$HTTP_URL/small" "$HTTP_URL/small"
prints "fetch_all reports" '^--- http://127.0.0.1:1/: ' "$bin/example_fetch_all" http://127.0.0.1:1/
prints "page_store stores" '^pages: 3$' \
    "$bin/example_page_store" "$HTTP_URL/small" "$HTTP_URL/small" "$HTTP_URL/missing"
prints "section times out" '^section: CRECHE_E_TIMEOUT$' "$bin/example_section"
prints "section cleans up" '^cleaned up: CRECHE_OK$' "$bin/example_section"
prints "streams a body" '^body: 67108864 bytes$' "$bin/example_streams" "$HTTP_URL/big"
prints "streams rows" '^rows: 100000, sum 5000050000$' "$bin/example_streams" "$HTTP_URL/small"

# The same in C++.
prints "fetch_all in C++ fetches" '^200 +1024 http' "$bin/example_fetch_all_cpp" "$HTTP_URL/small"
prints "fetch_all in C++ reports" '^--- http://127.0.0.1:1/: ' "$bin/example_fetch_all_cpp" http://127.0.0.1:1/
prints "page_store in C++ crawls" '^good: 2$' \
    "$bin/example_page_store_cpp" "$HTTP_URL/small" "$HTTP_URL/small" "$HTTP_URL/missing"
prints "page_store in C++ notes" '^pages: 3$' "$bin/example_page_store_cpp"
prints "section in C++ times out" '^section: CRECHE_E_TIMEOUT$' "$bin/example_section_cpp"
prints "section in C++ cleans up" '^cleaned up: CRECHE_OK$' "$bin/example_section_cpp"
prints "streams a body in C++" '^body: 67108864 bytes$' "$bin/example_streams_cpp" "$HTTP_URL/big"
prints "streams rows in C++" '^rows: 100000, sum 5000050000$' "$bin/example_streams_cpp" "$HTTP_URL/small"
prints "one fetches and waits" "^200, 1024 bytes$" "$bin/example_one" "$HTTP_URL/small" "$DATABASE_URL"
prints "one queries and waits" "^[3-9] databases$" "$bin/example_one" "$HTTP_URL/small" "$DATABASE_URL"
finish
