#!/bin/sh
# Runs the programs of the guide against the servers in the environment and looks at what they print.
#   creche-test-servers -- sh check.sh FOLDER-OF-THE-PROGRAMS
# The last line is "N passed, N failed".
bin=$1
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../support/expect.sh"

prints first "^200 $HTTP_URL/small\$" "$bin/guide_first" "$HTTP_URL/small" http://127.0.0.1:1/
prints "first says what failed" '^http://127.0.0.1:1/: ' "$bin/guide_first" "$HTTP_URL/small" http://127.0.0.1:1/
prints "one: a fetch" '^200, 1024 bytes, begins with ' "$bin/guide_one" "$HTTP_URL/small"
prints "one: a query" '^42 rows$' "$bin/guide_one" "$HTTP_URL/small"
prints "trees: the group fails" '^CRECHE_E_GROUP after 2 s$' "$bin/guide_trees"
prints "trees: and says why" '^- out of luck$' "$bin/guide_trees"
prints "trees: a dump" '^      sleep "" [0-9a-f]{16}, asleep' "$bin/guide_trees"
prints "trees: the picture of it" '^the same$' python3 -B "$here/../docs/graphviz.py" "$bin/guide_trees" --check
prints "timeouts: section" '^section: CRECHE_E_TIMEOUT at 2 s$' "$bin/guide_timeouts"
prints "timeouts: move on" '^too slow: going on' "$bin/guide_timeouts"
prints "timeouts: cancel" '^because the window was closed$' "$bin/guide_timeouts"
prints "timeouts: shield" '^shielded: CRECHE_OK$' "$bin/guide_timeouts"
prints "timeouts: race" '^mirror 3: CRECHE_E_CANCELLED$' "$bin/guide_timeouts"
prints clock '^gave up after 20 s$' "$bin/guide_clock"
prints "pools: query" '^sum 42$' "$bin/guide_pools" "$HTTP_URL/small"
prints "pools: counters" '^3 requests, ' "$bin/guide_pools" "$HTTP_URL/small"
prints "streams: body" '^67108864 bytes$' "$bin/guide_streams" "$HTTP_URL/big"
prints "streams: rows" '^100000 rows$' "$bin/guide_streams" "$HTTP_URL/small"
prints "transactions: commit" '^ben: 300$' "$bin/guide_transactions"
prints "transactions: rollback" '^anna: 200$' "$bin/guide_transactions"
prints "from Python: HTTP" '^1024 bytes$' "$bin/guide_from_python" "$HTTP_URL/small"
prints "from Python: PostgreSQL" '^http://c/ 404$' "$bin/guide_from_python" "$HTTP_URL/small"
prints "from Python: failures" '^no more paper$' "$bin/guide_from_python" "$HTTP_URL/small"
prints "from Python: the order" '^ab. 1 bye$' "$bin/guide_from_python" "$HTTP_URL/small"
prints "from Python: a transaction" '^ben has 300$' "$bin/guide_from_python" "$HTTP_URL/small"
prints "from Python: streamed rows" '^sum 5000050000$' "$bin/guide_from_python" "$HTTP_URL/small"
prints "from Python: move on" '^going on without it$' "$bin/guide_from_python" "$HTTP_URL/small"
prints "from C: one" '^200, 1024 bytes$' "$bin/guide_from_c" "$HTTP_URL/small"
prints "from C: query" '^count: 0$' "$bin/guide_from_c" "$HTTP_URL/small"
prints "from C: multi" "^$HTTP_URL/small: 200, 1024 bytes\$" "$bin/guide_from_c" "$HTTP_URL/small"

for program in "$here"/*.c "$here"/*.cc; do
    name=$(basename "${program%.*}")
    if grep -q "guide_$name" "$here/check.sh"; then continue; fi
    failed=$((failed + 1))
    echo "nothing runs tests/guide/$name.c"
done
finish
