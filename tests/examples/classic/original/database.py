"""The classic examples of a database, by asyncpg. usage: DATABASE_URL=... database.py, with a table `account`"""
import asyncio
import os

import asyncpg

ADD = "update account set cents = cents + $1 where name = $2"


# show: pool
async def pool(dsn):
    async def square(i):
        async with db.acquire() as connection:
            return await connection.fetchval("select $1::int * $1", i)

    async with asyncpg.create_pool(dsn, min_size=1, max_size=4) as db:
        squares = await asyncio.gather(*[square(i) for i in range(1, 5)])
        print(*squares)
# end: pool


# show: cursor
async def cursor(db):
    total = 0
    async with db.acquire() as connection:
        async with connection.transaction():
            rows = connection.cursor("select i from generate_series(1, 100000) i")
            async for row in rows:
                total += row["i"]
    print(total)
# end: cursor


# show: transaction
async def transaction(db):
    for cents in (300, 900):
        try:
            async with db.acquire() as connection:
                async with connection.transaction():
                    await connection.execute(ADD, cents, "ben")
                    await connection.execute(ADD, -cents, "anna")
        except asyncpg.CheckViolationError:
            print("rolled back")
# end: transaction


# show: records
async def records(db):
    rows = await db.fetch("select name, cents from account order by name")
    accounts = [dict(row) for row in rows]
    for account in accounts:
        print(account["name"], account["cents"])
# end: records


async def main(dsn):
    await pool(dsn)
    async with asyncpg.create_pool(dsn, min_size=1) as db:
        for example in cursor, transaction, records:
            await example(db)


asyncio.run(main(os.environ["DATABASE_URL"]))
