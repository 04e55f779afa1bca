"""asyncpg's copy_records_to_table on uvloop. usage: asyncpg_copy_bench.py copy DSN ROWS"""

import datetime
import sys
import time

import asyncpg

from common import run_on

COLUMNS = ("id int8, name text, real float8, at timestamptz, good bool, "
           "n int4, word text")


async def main():
    dsn, rows = sys.argv[2], int(sys.argv[3])
    connection = await asyncpg.connect(dsn)
    await connection.execute(f"drop table if exists bench_copy; create unlogged table bench_copy ({COLUMNS})")
    at = datetime.datetime(2023, 11, 14, tzinfo=datetime.timezone.utc)
    start = time.monotonic()
    # Made as they are taken, as ours are.
    await connection.copy_records_to_table("bench_copy", records=(
        (i, "the name of a row", i * 1.25, at, i % 2 == 0, i % 1000, "word") for i in range(rows)))
    print(f"done {rows} seconds {time.monotonic() - start:.6f}")
    await connection.close()


run_on("uvloop", main())
