"""What libcreche is for, in Trio: many documents, some cancelled; a stream; a transaction; an end with work
in flight. HTTP_URL, SILENT_URL and DATABASE_URL say where."""
import os

import trio
from creche_trio import NULL, Loop, lib, open_loop

HTTP, SILENT, DSN = (os.environ[name] for name in ("HTTP_URL", "SILENT_URL", "DATABASE_URL"))


def ok(good, what):
    print("ok" if good else "not ok", what, flush=True)


async def documents(loop):
    web, limit, pages, cut = loop.session(), trio.CapacityLimiter(50), [], []

    async def one(number, scope):
        with scope:
            async with limit:
                pages.append(await web.fetch(SILENT if number % 2 else f"{HTTP}/small?{number}"))
        if scope.cancelled_caught:
            cut.append(number)
    scopes = [trio.CancelScope() for _ in range(1000)]
    async with trio.open_nursery() as nursery:
        for number, scope in enumerate(scopes):
            nursery.start_soon(one, number, scope)
        await trio.sleep(0.05)  # as many as the limit lets are under way
        for scope in scopes[1::2]:
            scope.cancel()
    good = [page for page in pages if page[0] == 200 and len(page[1]) == 1024]
    ok((len(good), len(cut)) == (500, 500), f"{len(good)} of 1000 documents fetched, {len(cut)} cancelled")


async def rows(db):
    count = total = 0
    async with db.stream("select i, 'row ' || i from generate_series(1, $1::int) i", 100000) as stream:
        async for number, _ in stream:
            count, total = count + 1, total + number
    ok((count, total) == (100000, 5000050000), f"{count} rows streamed")
    async with db.stream("select generate_series(1, 1000000)") as stream:
        async for _ in stream:
            break  # leaving it stops it


async def transaction(db):
    await db.query("create table if not exists tour_trio (name text)")
    await db.query("delete from tour_trio")
    async with db.transaction() as connection:
        await connection.query("insert into tour_trio values ($1)", "kept")
    try:
        async with db.transaction() as connection:
            await connection.query("insert into tour_trio values ($1)", "undone")
            raise LookupError("changed my mind")
    except LookupError:
        left = await db.query("select name from tour_trio")
        ok(left == [("kept",)], "a transaction committed, another rolled back")
    await db.query("drop table tour_trio")


async def main():
    def descriptors():
        return len(os.listdir("/proc/self/fd"))
    before = descriptors()
    async with open_loop() as loop:
        db = loop.pool(DSN)
        await documents(loop)
        await rows(db)
        await transaction(db)
    ok(descriptors() == before, "no descriptor left open")
    loop = Loop()  # and this one is never closed
    web = loop.session()
    for _ in range(10):
        loop.start(print, lib.creche_session_fetch, web.handle[0], loop.group.scope, SILENT.encode(), NULL)
    ok(True, "the end, with work in flight")


trio.run(main)
