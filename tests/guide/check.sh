#!/bin/sh
# Runs the programs of the guide against the servers in the environment and looks at what they print.
#   creche-test-servers -- sh check.sh FOLDER-OF-THE-PROGRAMS
# The last line is "N passed, N failed".
bin=$1
here=$(cd "$(dirname "$0")" && pwd)
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

expect first "^200 $HTTP_URL/small\$" "$bin/guide_first" "$HTTP_URL/small" http://127.0.0.1:1/
expect "first says what failed" '^http://127.0.0.1:1/: ' "$bin/guide_first" "$HTTP_URL/small" http://127.0.0.1:1/
expect "one: a fetch" '^200, 1024 bytes, begins with ' "$bin/guide_one" "$HTTP_URL/small"
expect "one: a query" '^42 rows$' "$bin/guide_one" "$HTTP_URL/small"
expect "trees: the group fails" '^CRECHE_E_GROUP after 2 s$' "$bin/guide_trees"
expect "trees: and says why" '^- out of luck$' "$bin/guide_trees"
expect "trees: a dump" '^      sleep "" [0-9a-f]{16}, asleep' "$bin/guide_trees"
expect "timeouts: section" '^section: CRECHE_E_TIMEOUT at 2 s$' "$bin/guide_timeouts"
expect "timeouts: move on" '^too slow: going on' "$bin/guide_timeouts"
expect "timeouts: cancel" '^because the window was closed$' "$bin/guide_timeouts"
expect "timeouts: shield" '^shielded: CRECHE_OK$' "$bin/guide_timeouts"
expect "timeouts: race" '^mirror 3: CRECHE_E_CANCELLED$' "$bin/guide_timeouts"
expect clock '^gave up after 20 s$' "$bin/guide_clock"
expect "pools: query" '^sum 42$' "$bin/guide_pools" "$HTTP_URL/small"
expect "pools: counters" '^3 requests, ' "$bin/guide_pools" "$HTTP_URL/small"
expect "streams: body" '^67108864 bytes$' "$bin/guide_streams" "$HTTP_URL/big"
expect "streams: rows" '^100000 rows$' "$bin/guide_streams" "$HTTP_URL/small"
expect "transactions: commit" '^ben: 300$' "$bin/guide_transactions"
expect "transactions: rollback" '^anna: 200$' "$bin/guide_transactions"
expect "from Python: HTTP" '^1024 bytes$' "$bin/guide_from_python" "$HTTP_URL/small"
expect "from Python: PostgreSQL" '^http://c/ 404$' "$bin/guide_from_python" "$HTTP_URL/small"
expect "from Python: failures" '^no more paper$' "$bin/guide_from_python" "$HTTP_URL/small"
expect "from Python: the order" '^ab. 1 bye$' "$bin/guide_from_python" "$HTTP_URL/small"
expect "from Python: a transaction" '^ben has 300$' "$bin/guide_from_python" "$HTTP_URL/small"
expect "from Python: streamed rows" '^sum 5000050000$' "$bin/guide_from_python" "$HTTP_URL/small"
expect "from Python: move on" '^going on without it$' "$bin/guide_from_python" "$HTTP_URL/small"
expect "from C: one" '^200, 1024 bytes$' "$bin/guide_from_c" "$HTTP_URL/small"
expect "from C: query" '^count: 0$' "$bin/guide_from_c" "$HTTP_URL/small"
expect "from C: multi" "^$HTTP_URL/small: 200, 1024 bytes\$" "$bin/guide_from_c" "$HTTP_URL/small"

for program in "$here"/*.c "$here"/*.cc; do
    name=$(basename "${program%.*}")
    if grep -q "guide_$name" "$here/check.sh"; then continue; fi
    failed=$((failed + 1))
    echo "nothing runs tests/guide/$name.c"
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
