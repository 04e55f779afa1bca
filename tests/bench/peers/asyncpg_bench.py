"""asyncpg on uvloop. usage: asyncpg_bench.py held|pool DSN SECONDS CONNECTIONS CONCURRENCY"""

import asyncio
import sys
import time

import asyncpg

from common import keys, run_on

BY_KEY = "select id, value from bench where id = $1"


async def main():
    mode, dsn, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
    connections, concurrency = int(sys.argv[4]), int(sys.argv[5])
    key = keys()
    done = 0
    pool = await asyncpg.create_pool(dsn, min_size=connections, max_size=connections)
    if mode == "held":
        on = [await pool.acquire() for _ in range(connections)]
    else:
        on = [pool] * concurrency
    start = time.monotonic()

    async def worker(where):
        nonlocal done
        while time.monotonic() - start < seconds:
            assert await where.fetchrow(BY_KEY, next(key))
            done += 1

    await asyncio.gather(*(worker(where) for where in on))
    print(f"done {done} seconds {time.monotonic() - start:.6f}")


run_on("uvloop", main())
