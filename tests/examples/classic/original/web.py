"""The classic examples of an HTTP session, by aiohttp. usage: web.py URL"""
import asyncio
import sys

import aiohttp


# show: session
async def session(url):
    async with aiohttp.ClientSession() as web:
        for _ in range(3):
            async with web.get(url + "/count") as page:
                text = await page.text()
                print(page.status, text)
# end: session


# show: timeouts
async def timeouts(url):
    limit = aiohttp.ClientTimeout(total=0.2)
    async with aiohttp.ClientSession(timeout=limit) as web:
        try:
            async with web.get(url + "/never") as page:
                await page.text()
        except asyncio.TimeoutError:
            print("timed out")
# end: timeouts


# show: as_completed
async def as_completed(url):
    async with aiohttp.ClientSession() as web:
        async def fetch(path):
            async with web.get(url + path) as page:
                return await page.text()

        pages = [fetch(path) for path in ("/3", "/1", "/2")]
        for page in asyncio.as_completed(pages):
            print(await page)
# end: as_completed


# show: fail_fast
async def fail_fast(url):
    async def fetch(web, path):
        async with web.get(url + path, raise_for_status=True) as page:
            await page.text()

    async with aiohttp.ClientSession() as web:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(fetch(web, "/never"))
                group.create_task(fetch(web, "/missing"))
        except* aiohttp.ClientResponseError as failed:
            print("failed with", failed.exceptions[0].status)
# end: fail_fast


async def main(url):
    for example in session, timeouts, as_completed, fail_fast:
        await example(url)


asyncio.run(main(sys.argv[1]))
