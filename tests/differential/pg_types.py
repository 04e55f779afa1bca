"""Values of every type through asyncpg and through this library, on the same server with the same inputs:
those of capi/pg/values_test.c, and some that are none. The server's own text says what is right.

Where asyncpg gives another value back than it got, or cannot carry it at all, stands in KNOWN, with the
reason; anything else that differs fails, and so does whatever this library does not carry exactly. The
last line is "N passed, N failed"."""
import ast
import asyncio
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "bindings", "python"))
import asyncpg  # noqa: E402
import creche_asyncio  # noqa: E402
from creche_ctypes import CrecheError  # noqa: E402

# What asyncpg does with values of these types, and not this library.
KNOWN = {
    "numeric": "infinities: asyncpg 0.27 reads them as 0",
    "numrange": "bounds are numeric: see there",
    "numeric[]": "elements are numeric: see there",
    "date": "years outside of 1 to 9999 have no datetime.date",
    "date[]": "elements are dates: see there",
    "timestamp": "years outside of 1 to 9999 have no datetime.datetime",
    "timestamptz": "years outside of 1 to 9999 have no datetime.datetime",
    "time": "24:00 has no datetime.time",
    "timetz": "24:00 has no datetime.time, and datetime.timezone no 16 hours",
    "interval": "datetime.timedelta has no months, and ends at 999999999 days",
    "interval[]": "elements are intervals: see there",
    "int2vector": "sent as an array that begins at 1, which the server refuses",
    "oidvector": "sent as an array that begins at 1, which the server refuses",
    "int4[]": "lower bounds other than 1 are dropped",
    "int4multirange[]": "a list of lists of ranges is taken for an array of two dimensions",
    "pair[]": "a list of rows is taken for an array of two dimensions",
    "deep": "a list of rows is taken for an array of two dimensions",
}
WRONG = [("int2", "32768"), ("int4", "x"), ("bool", "maybe"), ("date", "2021-02-30"), ("uuid", "x"),
         ("json", "{"), ("inet", "1.2.3"), ("numeric", "1.2.3"), ("mood", "glad"), ("posint", "0"),
         ("int4[]", "{1,{2}}"), ("int4range", "[2,1]"), ("timestamp", "infinite"), ("bytea", "\\x0")]


def table():
    """The table of values_test.c."""
    text = open(os.path.join(HERE, "..", "capi", "pg", "values_test.c"), encoding="utf-8").read()
    body = text[text.index("} types[] = {") + 12:]
    body = body[:body.index("\n};")]
    string = r'"(?:[^"\\]|\\.)*"'
    tokens = re.findall(string + r"|[{},]", body)
    words, depth, joined = [], 0, None
    for token in tokens + [","]:
        if token[0] == '"':
            joined = (joined or b"") + ast.literal_eval("b" + token)
            continue
        if joined is not None:
            words.append((depth, joined.decode()))
            joined = None
        depth += {"{": 1, "}": -1}.get(token, 0)
    kind = None
    for depth, word in words:
        if depth == 2:
            kind = word
        else:
            yield kind, word


async def main():
    dsn = os.environ["DATABASE_URL"]
    theirs = await asyncpg.connect(dsn)
    test = re.findall(r'must\(pool, "(create [^;]*?)"\);', open(
        os.path.join(HERE, "..", "capi", "pg", "values_test.c"), encoding="utf-8").read())
    await theirs.execute("drop schema if exists differs cascade; create schema differs;"
                         "set search_path = differs, public")
    for statement in test:
        if not statement.startswith("create extension"):
            await theirs.execute(statement)
        else:
            await theirs.execute(statement.replace("create extension", "create extension if not exists")
                                 + " schema public")
    await theirs.execute("alter database postgres set timezone = 'UTC';"
                         "alter database postgres set search_path = differs, public")
    await theirs.close()
    theirs = await asyncpg.connect(dsn)
    passed, failed, differ = 0, 0, {}
    async with creche_asyncio.Loop() as ours:
        pool = ours.pool(dsn, max_size=1)
        place = creche_asyncio.Place(ours, ours.scope)
        for kind, value in table():
            quoted = "'" + value.replace("'", "''") + "'"
            right = await theirs.fetchval(f"select format('%s', {quoted}::{kind})")
            with await place.query(pool, f"select x from (select $1::{kind}) t(x)", value) as rows:
                size = creche_asyncio.lib.creche_row_format(rows.block, 0, 0, None, 0) + 1
                buffer = creche_asyncio.c.ctypes.create_string_buffer(size)
                creche_asyncio.lib.creche_row_format(rows.block, 0, 0, buffer, size)
                got = buffer.value.decode()
            if got == right:
                passed += 1
            else:
                failed += 1
                print(f"{kind} {value!r}: {got!r} instead of {right!r}")
            try:
                read = await theirs.fetchval(f"select {quoted}::{kind}")
                back = await theirs.fetchval(f"select format('%s', $1::{kind})", read)
            except Exception as error:  # whatever it is, the value does not get through
                back = type(error).__name__
            if back == right:
                continue
            differ.setdefault(kind, []).append((value, back))
            if kind not in KNOWN:
                failed += 1
                print(f"asyncpg, {kind}: {value!r} is {back!r}, and no reason is known")
        for kind, value in WRONG:
            states = []
            try:
                await theirs.fetchval("select '" + value.replace("'", "''") + f"'::{kind}")
            except asyncpg.PostgresError as error:
                states.append(error.sqlstate)
            try:
                (await place.query(pool, f"select $1::{kind}", value)).close()
            except CrecheError as error:
                states.append(error.sqlstate)
            if len(states) == 2 and states[0] == states[1]:
                passed += 1
            else:
                failed += 1
                print(f"{kind} {value!r}: {states}")
        creche_asyncio.lib.creche_pool_release(pool)
    await theirs.close()
    print("asyncpg gives back another value, or none:")
    for kind, cases in differ.items():
        print(f"  {kind} ({KNOWN.get(kind)}): {len(cases)}, like {cases[0][0]!r}: {cases[0][1]!r}")
    print(f"{passed} passed, {failed} failed")
    return failed != 0


sys.exit(asyncio.run(main()))
