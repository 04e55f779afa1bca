"""The classic examples of an HTTP session, by creche_asyncio (tests/bindings/python). usage: web.py URL"""
import asyncio
import sys

from creche_asyncio import Loop
from creche_ctypes import E_TIMEOUT, FAIL_ON_STATUS, CrecheError


# show: session
async def session(loop, url):
    web = loop.session()
    for _ in range(3):
        with await loop.fetch(web, url + "/count") as page:
            print(page.status, page.body.decode())
# end: session


# show: timeouts
async def timeouts(loop, url):
    try:
        async with loop.group(timeout=0.2) as scope:
            await scope.fetch(loop.session(), url + "/never")
    except CrecheError as error:
        if error.status == E_TIMEOUT:
            print("timed out")
# end: timeouts


# show: as_completed
async def as_completed(loop, url):
    web = loop.session()
    pages = [loop.fetch(web, url + path) for path in ("/3", "/1", "/2")]
    for page in asyncio.as_completed(pages):
        print((await page).body.decode())
# end: as_completed


# show: fail_fast
async def fail_fast(loop, url):
    async def fetch(place, path):
        await place.fetch(web, url + path, flags=FAIL_ON_STATUS)

    web = loop.session()
    try:
        async with loop.group() as group:
            group.start_soon(fetch, "/never")
            group.start_soon(fetch, "/missing")
    except CrecheError as failed:
        print("failed with", failed.children[0].http_status)
# end: fail_fast


async def main(url):
    async with Loop() as loop:
        for example in session, timeouts, as_completed, fail_fast:
            await example(loop, url)


asyncio.run(main(sys.argv[1]))
