"""The classic examples of a database, by creche_asyncio. usage: DATABASE_URL=... database.py, with a table
`account`"""
import asyncio
import os

from creche_asyncio import Loop
from creche_ctypes import CrecheError

ADD = "update account set cents = cents + $1 where name = $2"


# show: pool
async def pool(loop, dsn):
    async def square(i):
        rows = await loop.query(db, "select $1::int * $1", i)
        return rows[0][0]

    db = loop.pool(dsn, min_size=1, max_size=4)
    print(*await asyncio.gather(*[square(i) for i in range(1, 5)]))
# end: pool


# show: cursor
async def cursor(loop, db):
    total = 0
    async with loop.stream(db, "select i from generate_series(1, 100000) i") as rows:
        async for row in rows:
            total += row[0]
    print(total)
# end: cursor


# show: transaction
async def transaction(loop, db):
    for cents in (300, 900):
        try:
            async with loop.transaction(db) as connection:
                await connection.query(ADD, cents, "ben")
                await connection.query(ADD, -cents, "anna")
        except CrecheError as error:
            if error.sqlstate == "23514":
                print("rolled back")
# end: transaction


# show: records
async def records(loop, db):
    with await loop.query(db, "select name, cents from account order by name") as rows:
        accounts = list(rows)
    for name, cents in accounts:
        print(name, cents)
# end: records


async def main(dsn):
    async with Loop() as loop:
        await pool(loop, dsn)
        db = loop.pool(dsn)
        for example in cursor, transaction, records:
            await example(loop, db)


asyncio.run(main(os.environ["DATABASE_URL"]))
