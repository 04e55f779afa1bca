"""The classic examples of structured concurrency, by creche_asyncio. usage: nurseries.py"""
import asyncio

from creche_asyncio import Loop
from creche_ctypes import MOVE_ON


# show: nursery
async def nursery(loop):
    async def child(place, name, seconds):
        await place.sleep(seconds)
        print(name, "is done")

    async with loop.group() as children:
        children.start_soon(child, "slow", 0.2)
        children.start_soon(child, "quick", 0.1)
    print("all are done")
# end: nursery


# show: chained
async def level(place, depth):
    try:
        async with place.group() as below:
            if depth < 3:
                below.start_soon(level, depth + 1)
            await below.sleep(3600)
    finally:
        print("level", depth, "ends")

async def chained(loop):
    async with loop.group(timeout=0.1, on_timeout=MOVE_ON) as scope:
        await scope.spawn(level, 1)
# end: chained


# show: task_group
async def task_group(loop):
    async def add(place, a, b):
        await place.sleep(0.1)
        return a + b

    async with loop.group() as group:
        sums = [group.spawn(add, 1, 2), group.spawn(add, 3, 4)]
        print(*await asyncio.gather(*sums))
# end: task_group


# show: shield
async def shield(loop):
    async with loop.group(timeout=0.1, on_timeout=MOVE_ON) as scope:
        try:
            await scope.sleep(3600)
        finally:
            async with scope.group(timeout=5, on_timeout=MOVE_ON, shield=1) as cleanup:
                await cleanup.sleep(0.1)
                print("cleaned up")
# end: shield


async def main():
    async with Loop() as loop:
        for example in nursery, chained, task_group, shield:
            await example(loop)


asyncio.run(main())
