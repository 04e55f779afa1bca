"""Trio. usage: trio_bench.py SECTION N [TOTAL]"""

import threading

import trio
import trio.testing
from common import duration, main, now, resident, show


async def empty():
    pass


async def groups(n, width):
    start = now()
    for _ in range(n // width):
        async with trio.open_nursery() as nursery:
            for _ in range(width):
                nursery.start_soon(empty)
    return (now() - start) / n


async def spawn(n, _):
    await groups(2000, 1000)
    show("spawn_join", await groups(n, 1000))


async def scope(n, _):
    start = now()
    for _ in range(n):
        with trio.CancelScope():
            pass
    show("scope_open_close", (now() - start) / n)


async def sleepers(n, then):
    """n tasks asleep; then() is called, and they are cancelled. Nanoseconds of the cancel."""
    async with trio.open_nursery() as nursery:
        for i in range(n):
            nursery.start_soon(trio.sleep, duration(i, n))
        await trio.testing.wait_all_tasks_blocked()
        then()
        start = now()
        nursery.cancel_scope.cancel()
    return now() - start


async def cancel(n, _):
    show("cancel_sleeper", await sleepers(n, lambda: None) / n)


async def timers(n, _):
    """Scopes with a deadline; in one task they must nest. The second round counts."""
    for _ in range(2):
        clock = trio.current_time()
        start = now()
        scopes = []
        for i in range(n):
            scope = trio.CancelScope(deadline=clock + duration(i, n))
            scope.__enter__()
            scopes.append(scope)
        added = now()
        while scopes:
            scopes.pop().__exit__(None, None, None)
        left = now()
    show("timer_cancel", (left - added) / n)
    show("timer_add", (added - start) / n)


async def post(n, _):
    token = trio.lowlevel.current_trio_token()
    done = trio.Event()
    left = n

    def posted():
        nonlocal left
        left -= 1
        if left == 0:
            done.set()

    def sender():
        for _ in range(n):
            token.run_sync_soon(posted)

    thread = threading.Thread(target=sender)
    start = now()
    thread.start()
    await done.wait()
    show("post", (now() - start) / n)
    thread.join()


async def drain(n, _):
    send, receive = trio.open_memory_channel(n)
    for i in range(n):
        send.send_nowait(i)
    start = now()
    try:
        while True:
            receive.receive_nowait()
    except trio.WouldBlock:
        show("queue_drain", (now() - start) / n)


async def acquired(n, tasks):
    """By so many tasks, which stand in line from the start: each hands the token to the next."""
    limiter = trio.CapacityLimiter(1)

    async def contend():
        for _ in range(n // tasks):
            async with limiter:
                pass

    limiter.acquire_nowait()
    async with trio.open_nursery() as nursery:
        for _ in range(tasks):
            nursery.start_soon(contend)
        await trio.testing.wait_all_tasks_blocked()
        start = now()
        limiter.release()
    return (now() - start) / n


async def limiter(n, _):
    one = trio.CapacityLimiter(1)
    start = now()
    for _ in range(n):
        one.acquire_nowait()
        one.release()
    show("limiter_try", (now() - start) / n)
    show("limiter_acquire", await acquired(n, 1))
    show("limiter_handover", await acquired(n, 100))


async def event(n, _):
    happened = trio.Event()
    start = now()
    async with trio.open_nursery() as nursery:
        for _ in range(n):
            nursery.start_soon(happened.wait)
        await trio.testing.wait_all_tasks_blocked()
        happened.set()
    show("event_wait", (now() - start) / n)


async def channel(n, _):
    send, receive = trio.open_memory_channel(64)

    async def sender():
        for i in range(n):
            await send.send(i)

    start = now()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sender)
        for _ in range(n):
            await receive.receive()
    show("channel_item", (now() - start) / n)


async def memory(n, _):
    before = resident()
    await sleepers(n, lambda: show("task_memory", (resident() - before) / n))


async def cost(n, total):
    await groups(n, n)
    show(f"cost_{n}", await groups((total + n - 1) // n * n, n))


main(trio.run, {f.__name__: f for f in (spawn, scope, cancel, timers, post, drain, limiter, event,
                                            channel, memory, cost)})
