"""asyncio's TaskGroup. usage: asyncio_bench.py SECTION N [TOTAL]"""

import asyncio
import threading

from common import duration, main, now, resident, show


class Enough(Exception):
    pass


async def empty():
    pass


async def groups(n, width):
    start = now()
    for _ in range(n // width):
        async with asyncio.TaskGroup() as group:
            for _ in range(width):
                group.create_task(empty())
    return (now() - start) / n


async def spawn(n, _):
    await groups(2000, 1000)
    show("spawn_join", await groups(n, 1000))


async def scope(n, _):
    start = now()
    for _ in range(n):
        async with asyncio.timeout(None):
            pass
    show("scope_open_close", (now() - start) / n)


async def sleepers(n, then):
    """n tasks asleep; then() is called, and they are cancelled. Nanoseconds of the cancel."""
    try:
        async with asyncio.TaskGroup() as group:
            for i in range(n):
                group.create_task(asyncio.sleep(duration(i, n)))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            then()
            start = now()
            raise Enough
    except* Enough:
        pass
    return now() - start


async def cancel(n, _):
    show("cancel_sleeper", await sleepers(n, lambda: None) / n)


async def timers(n, _):
    """The second of two rounds counts."""
    loop = asyncio.get_running_loop()
    for _ in range(2):
        start = now()
        handles = [loop.call_later(duration(i, n), print) for i in range(n)]
        added = now()
        for handle in handles:
            handle.cancel()
        await asyncio.sleep(0)  # the loop forgets them here
        left = now()
    show("timer_cancel", (left - added) / n)
    show("timer_add", (added - start) / n)


async def post(n, _):
    loop = asyncio.get_running_loop()
    done = asyncio.Event()
    left = n

    def posted():
        nonlocal left
        left -= 1
        if left == 0:
            done.set()

    def sender():
        for _ in range(n):
            loop.call_soon_threadsafe(posted)

    thread = threading.Thread(target=sender)
    start = now()
    thread.start()
    await done.wait()
    show("post", (now() - start) / n)
    thread.join()


async def drain(n, _):
    queue = asyncio.Queue()
    for i in range(n):
        queue.put_nowait(i)
    start = now()
    while not queue.empty():
        queue.get_nowait()
    show("queue_drain", (now() - start) / n)


async def acquired(n, tasks):
    """By so many tasks, which stand in line from the start: each hands the token to the next."""
    semaphore = asyncio.Semaphore(1)

    async def contend():
        for _ in range(n // tasks):
            async with semaphore:
                pass

    await semaphore.acquire()
    async with asyncio.TaskGroup() as group:
        for _ in range(tasks):
            group.create_task(contend())
        await asyncio.sleep(0)
        start = now()
        semaphore.release()
    return (now() - start) / n


async def limiter(n, _):
    show("limiter_acquire", await acquired(n, 1))
    show("limiter_handover", await acquired(n, 100))


async def event(n, _):
    happened = asyncio.Event()
    start = now()
    async with asyncio.TaskGroup() as group:
        for _ in range(n):
            group.create_task(happened.wait())
        await asyncio.sleep(0)
        happened.set()
    show("event_wait", (now() - start) / n)


async def channel(n, _):
    queue = asyncio.Queue(64)

    async def sender():
        for i in range(n):
            await queue.put(i)

    start = now()
    async with asyncio.TaskGroup() as group:
        group.create_task(sender())
        for _ in range(n):
            await queue.get()
    show("channel_item", (now() - start) / n)


async def memory(n, _):
    before = resident()
    await sleepers(n, lambda: show("task_memory", (resident() - before) / n))


async def cost(n, total):
    await groups(n, n)
    show(f"cost_{n}", await groups((total + n - 1) // n * n, n))


main(lambda section, n, total: asyncio.run(section(n, total)),
     {f.__name__: f for f in (spawn, scope, cancel, timers, post, drain, limiter, event, channel,
                              memory, cost)})
