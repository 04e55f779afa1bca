"""psycopg 3, asynchronous, on uvloop. usage: psycopg_bench.py held DSN SECONDS CONNECTIONS CONCURRENCY"""

import asyncio
import sys
import time

import psycopg

from common import keys, run_on

BY_KEY = "select id, value from bench where id = %s"


async def main():
    dsn, seconds, connections = sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
    key = keys()
    done = 0
    on = [await psycopg.AsyncConnection.connect(dsn, autocommit=True) for _ in range(connections)]
    start = time.monotonic()

    async def worker(where):
        nonlocal done
        async with where.cursor(binary=True) as cursor:
            while time.monotonic() - start < seconds:
                await cursor.execute(BY_KEY, (next(key),), prepare=True)
                assert await cursor.fetchone()
                done += 1

    await asyncio.gather(*(worker(where) for where in on))
    print(f"done {done} seconds {time.monotonic() - start:.6f}")


run_on("uvloop", main())
