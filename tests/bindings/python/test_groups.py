"""Groups and coroutines over libcreche."""
import asyncio

import creche_ctypes as c
from cases import Case, Silent
from creche_ctypes import CrecheError


class Groups(Case):
    async def test_deadline_stops_children_and_says_why(self):
        async with Silent() as server:
            with self.assertRaises(CrecheError) as raised:
                async with self.loop.group(policy=c.COLLECT, timeout=0.05) as group:
                    results = await asyncio.gather(
                        group.fetch(self.loop.session(), server.url), group.sleep(600),
                        return_exceptions=True)
        self.assertEqual(raised.exception.name, "CRECHE_E_TIMEOUT")
        self.assertEqual([r.status for r in results], [c.E_CANCELLED] * 2)
        self.assertEqual([r.reason for r in results], [c.REASON_DEADLINE] * 2)
        self.assertEqual([r.by for r in results], [group.scope] * 2)

    async def test_deadline_that_moves_on(self):
        async with self.loop.group(policy=c.COLLECT, timeout=0.01, on_timeout=c.MOVE_ON) as group:
            with self.assertRaises(CrecheError):
                await group.sleep(600)
        self.assertTrue(group.flags & c.CAUGHT)

    async def test_fail_fast_cancels_siblings_and_tells_the_tree(self):
        with self.assertRaises(CrecheError) as raised:
            async with self.loop.group() as group:
                results = await asyncio.gather(
                    group.sleep(600), group.fetch(self.loop.session(), "no url"),
                    return_exceptions=True)
        self.assertEqual(results[0].reason, c.REASON_SIBLING)
        self.assertEqual(raised.exception.name, "CRECHE_E_GROUP")
        self.assertEqual([child.name for child in raised.exception.children], ["CRECHE_E_URL"])

    async def test_exception_in_the_body_cancels_the_children(self):
        with self.assertRaises(ZeroDivisionError):
            async with self.loop.group() as group:
                child = asyncio.create_task(group.sleep(600))
                await asyncio.sleep(0)
                raise ZeroDivisionError
        with self.assertRaises(CrecheError) as raised:
            await child
        self.assertEqual(raised.exception.reason_text, "the body of the group raised")

    async def test_explicit_cancel_carries_its_text(self):
        async with self.loop.group(policy=c.COLLECT) as group:  # and catches it
            asyncio.get_running_loop().call_soon(group.cancel, "enough, käme zu spät")
            with self.assertRaises(CrecheError) as raised:
                await group.sleep(600)
            raise raised.exception
        self.assertTrue(group.flags & c.CAUGHT)
        self.assertEqual((raised.exception.reason, raised.exception.reason_text),
                         (c.REASON_EXPLICIT, "enough, käme zu spät"))

    async def test_start_soon(self):
        async def child(place, seconds):
            await place.sleep(seconds)
            raise ZeroDivisionError

        with self.assertRaises(CrecheError) as raised:
            async with self.loop.group() as group:
                group.start_soon(child, 600)
                group.start_soon(child, 0)
        self.assertIsInstance(raised.exception.children[0], ZeroDivisionError)

    async def test_a_deadline_that_cuts_the_body_is_what_is_raised(self):
        with self.assertRaises(CrecheError) as raised:
            async with self.loop.group(timeout=0.01) as group:
                await group.sleep(600)
        self.assertEqual(raised.exception.name, "CRECHE_E_TIMEOUT")

    async def test_limit(self):
        running = most = 0

        async def child(_):
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1

        async with self.loop.group(limit=3) as group:
            await asyncio.gather(*(group.spawn(child) for _ in range(20)))
        self.assertEqual((running, most), (0, 3))


class Coroutines(Case):
    async def test_result(self):
        async def body(place, a, b):
            await place.sleep(0)
            return {"sum": a + b}
        self.assertEqual(await self.loop.spawn(body, 2, 3), {"sum": 5})

    async def test_the_exception_itself_comes_back(self):
        error = KeyError("mine")

        async def body(_):
            raise error
        with self.assertRaises(KeyError) as raised:
            await self.loop.spawn(body)
        self.assertIs(raised.exception, error)
        self.assertFalse(c._cookies)  # the library let go of it

    async def test_failure_is_in_the_group_s_tree(self):
        async def good(place):
            await place.sleep(600)

        async def bad(_):
            raise ValueError("no good")
        with self.assertRaises(CrecheError) as raised:
            async with self.loop.group() as group:
                results = await asyncio.gather(group.spawn(good), group.spawn(bad),
                                               return_exceptions=True)
        self.assertIsInstance(results[1], ValueError)
        self.assertEqual(results[0].status, c.E_CANCELLED)
        self.assertIs(raised.exception.children[0], results[1])

    async def test_cancelling_waits_for_the_coroutine_s_clean_up(self):
        steps, started = [], asyncio.Event()

        async def body(place):
            try:
                started.set()
                await asyncio.Event().wait()
            finally:
                steps.append("cleaning")
                await asyncio.sleep(0)
                steps.append("clean")
        task = asyncio.create_task(self.loop.spawn(body))
        await started.wait()
        task.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await task
        self.assertEqual(steps, ["cleaning", "clean"])
        self.assertEqual(self.counters().live_tasks, 0)

    async def test_deadline_reaches_the_coroutine_once(self):
        times = 0

        async def body(place):
            nonlocal times
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                times += 1
                raise
        with self.assertRaises(CrecheError) as raised:
            async with self.loop.group(policy=c.COLLECT, timeout=0.01) as group:
                with self.assertRaises(CrecheError) as child:
                    await group.spawn(body)
        self.assertEqual(times, 1)
        self.assertEqual((child.exception.status, child.exception.reason),
                         (c.E_CANCELLED, c.REASON_DEADLINE))
        self.assertEqual(raised.exception.name, "CRECHE_E_TIMEOUT")

    async def test_claiming_to_be_cancelled(self):
        async def body(_):
            raise asyncio.CancelledError
        with self.assertRaises(CrecheError) as raised:
            await self.loop.spawn(body)
        self.assertEqual(raised.exception.name, "CRECHE_E_NOT_CANCELLED")

    async def test_tree_of_coroutines(self):
        async def node(place, depth):
            if depth == 0:
                return 1
            async with place.group() as group:
                return sum(await asyncio.gather(
                    group.spawn(node, depth - 1), group.spawn(node, depth - 1)))
        self.assertEqual(await self.loop.spawn(node, 6), 64)
