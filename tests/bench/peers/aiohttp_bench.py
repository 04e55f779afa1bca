"""aiohttp, on asyncio or uvloop. usage: aiohttp_bench.py asyncio|uvloop URL CONNECTIONS SECONDS [CA_FILE]"""

import asyncio
import ssl
import sys
import time

import aiohttp

from common import run_on


async def main():
    url, connections, seconds = sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
    context = ssl.create_default_context(cafile=sys.argv[5]) if len(sys.argv) > 5 else True
    connector = aiohttp.TCPConnector(limit=connections, ssl=context)
    done = 0
    async with aiohttp.ClientSession(connector=connector) as session:
        start = time.monotonic()

        async def worker():
            nonlocal done
            while time.monotonic() - start < seconds:
                async with session.get(url) as response:
                    response.raise_for_status()
                    await response.read()
                done += 1

        await asyncio.gather(*(worker() for _ in range(connections)))
        print(f"done {done} seconds {time.monotonic() - start:.6f}")


run_on(sys.argv[1], main())
