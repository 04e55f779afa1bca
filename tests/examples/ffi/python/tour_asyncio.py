"""What libcreche is for, in asyncio (by creche_asyncio.py, on ctypes): many documents, some cancelled; a
stream; a transaction; an end with work in flight. HTTP_URL, SILENT_URL and DATABASE_URL say where."""
import asyncio
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), *["..", "..", "..", "bindings", "python"]))
from creche_asyncio import Loop  # noqa: E402

HTTP, SILENT, DSN = (os.environ[name] for name in ("HTTP_URL", "SILENT_URL", "DATABASE_URL"))


def ok(good, what):
    print("ok" if good else "not ok", what, flush=True)


async def documents(loop):
    session, limit = loop.session(), asyncio.Semaphore(50)

    async def one(number):
        async with limit:
            with await loop.fetch(session, SILENT if number % 2 else f"{HTTP}/small?{number}") as page:
                return page.status, len(page.body)
    tasks = [asyncio.create_task(one(number)) for number in range(1000)]
    await asyncio.sleep(0.05)  # as many as the limit lets are under way
    for task in tasks[1::2]:
        task.cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    good, cut = ended.count((200, 1024)), sum(isinstance(end, asyncio.CancelledError) for end in ended)
    ok((good, cut) == (500, 500), f"{good} of 1000 documents fetched, {cut} cancelled")


async def rows(loop, pool):
    count = total = 0
    async with loop.stream(pool, "select i, 'row ' || i from generate_series(1, $1::int) i", 100000) as stream:
        async for number, _ in stream:
            count, total = count + 1, total + number
    ok((count, total) == (100000, 5000050000), f"{count} rows streamed")
    async with loop.stream(pool, "select generate_series(1, 1000000)") as stream:
        async for _ in stream:
            break  # leaving it stops it


async def transaction(loop, pool):
    await loop.query(pool, "create table if not exists tour_asyncio (name text)")
    await loop.query(pool, "delete from tour_asyncio")
    async with loop.transaction(pool) as connection:
        await connection.query("insert into tour_asyncio values ($1)", "kept")
    try:
        async with loop.transaction(pool) as connection:
            await connection.query("insert into tour_asyncio values ($1)", "undone")
            raise LookupError("changed my mind")
    except LookupError:
        left = list(await loop.query(pool, "select name from tour_asyncio"))
        ok(left == [("kept",)], "a transaction committed, another rolled back")
    await loop.query(pool, "drop table tour_asyncio")


async def main():
    def descriptors():
        return len(os.listdir("/proc/self/fd"))
    before = descriptors()
    async with Loop() as loop:
        pool = loop.pool(DSN)
        await documents(loop)
        await rows(loop, pool)
        await transaction(loop, pool)
    ok(descriptors() == before, "no descriptor left open")
    loop = await Loop().__aenter__()  # and this one is never closed
    session = loop.session()
    going = [asyncio.ensure_future(loop.fetch(session, SILENT)) for _ in range(10)]
    await asyncio.sleep(0.05)
    ok(not any(task.done() for task in going), "the end, with work in flight")


asyncio.run(main())
