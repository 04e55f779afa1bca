"""The classic examples of structured concurrency, by Trio and asyncio. usage: nurseries.py"""
import asyncio

import trio
import trio.testing


# show: nursery
async def nursery():
    async def child(name, seconds):
        await trio.sleep(seconds)
        print(name, "is done")

    async with trio.open_nursery() as children:
        children.start_soon(child, "slow", 0.2)
        children.start_soon(child, "quick", 0.1)
    print("all are done")
# end: nursery


# show: chained
async def level(depth):
    try:
        async with trio.open_nursery() as below:
            if depth < 3:
                below.start_soon(level, depth + 1)
            await trio.sleep_forever()
    finally:
        print("level", depth, "ends")

async def chained():
    with trio.move_on_after(0.1):
        await level(1)
# end: chained


# show: task_group
async def task_group():
    async def add(a, b):
        await asyncio.sleep(0.1)
        return a + b

    async with asyncio.TaskGroup() as group:
        one = group.create_task(add(1, 2))
        two = group.create_task(add(3, 4))
    print(one.result(), two.result())
# end: task_group


# show: shield
async def shield():
    with trio.move_on_after(0.1):
        try:
            await trio.sleep_forever()
        finally:
            with trio.move_on_after(5) as cleanup:
                cleanup.shield = True
                await trio.sleep(0.1)
                print("cleaned up")
# end: shield


for example in nursery, chained:
    trio.run(example, clock=trio.testing.MockClock(autojump_threshold=0))
asyncio.run(task_group())
trio.run(shield, clock=trio.testing.MockClock(autojump_threshold=0))
