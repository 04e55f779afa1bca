#!/usr/bin/env python3
"""asyncio programs over libcreche; sh tests/bindings/python.sh runs them with servers."""
import asyncio
import logging
import sys
import unittest
from ctypes import byref, sizeof

import creche_ctypes as c
from cases import CA, Case, DSN, HTTP, HTTPS, Silent
from creche_asyncio import Connection, Loop
from creche_ctypes import CrecheError, lib
from test_groups import Coroutines, Groups  # noqa: F401 (found by unittest)
from test_misuse import Calls, Misuse  # noqa: F401
from test_program import Program  # noqa: F401


class Http(Case):
    async def test_fetch(self):
        with await self.loop.fetch(self.loop.session(), HTTP + "/small") as page:
            self.assertEqual((page.status, len(page.body)), (200, 1024))
            self.assertEqual(page.header("content-length"), "1024")
            self.assertIsNone(page.header("x-none"))

    async def test_fetch_over_tls(self):
        page = await self.loop.fetch(self.loop.session(ca_file=CA.encode()), HTTPS + "/small")
        self.assertEqual(page.status, 200)

    async def test_untrusted_certificate_is_a_typed_failure(self):
        with self.assertRaises(CrecheError) as raised:
            await self.loop.fetch(self.loop.session(), HTTPS + "/small")
        self.assertEqual(raised.exception.name, "CRECHE_E_TLS_VERIFY")

    async def test_not_found_is_a_success(self):
        page = await self.loop.fetch(self.loop.session(), HTTP + "/there-is-no-such-thing")
        self.assertEqual(page.status, 404)

    async def test_malformed_url_fails_when_awaited(self):
        with self.assertRaises(CrecheError) as raised:
            await self.loop.fetch(self.loop.session(), "no url")
        self.assertEqual(raised.exception.name, "CRECHE_E_URL")
        self.assertTrue(raised.exception.message)

    async def test_gather_of_many_takes_batches(self):
        session = self.loop.session(limit=20)
        pages = await asyncio.gather(
            *(self.loop.fetch(session, f"{HTTP}/small?{i}") for i in range(500)))
        self.assertEqual({(page.status, len(page.body)) for page in pages}, {(200, 1024)})
        self.assertLess(self.loop.batches, 501)

    async def test_gather_of_sleeps_in_one_go(self):
        async with self.loop.group() as group:
            await asyncio.gather(*(group.sleep(0) for _ in range(2000)))

    async def test_body_outlives_the_library_s_loop(self):
        async with Loop() as other:
            page = await other.fetch(other.session(), HTTP + "/small")
        self.assertEqual(page.header("content-length"), "1024")
        page.close()
        self.assertIsNone(page.header("content-length"))


class Cancelling(Case):
    async def test_cancel_waits_for_the_end(self):
        async with Silent() as server:
            task = asyncio.create_task(self.loop.fetch(self.loop.session(), server.url))
            await server.came.acquire()
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            self.assertEqual(len(self.loop.waiting), 1)  # only the root group's is left
            counters = self.counters()
            self.assertEqual((counters.live_tasks, counters.cancelled), (0, 1))
            await server.gone.acquire()  # its connection is closed

    async def test_cancel_twice_is_cancelled_once(self):
        async with Silent() as server:
            task = asyncio.create_task(self.loop.fetch(self.loop.session(), server.url))
            await server.came.acquire()
            task.cancel()
            asyncio.get_running_loop().call_soon(task.cancel)  # while it waits for the end
            with self.assertRaises(asyncio.CancelledError):
                await task
            self.assertEqual((len(self.loop.waiting), self.counters().cancelled), (1, 1))

    async def test_asyncio_timeout(self):
        with self.assertRaises(TimeoutError):
            async with asyncio.timeout(0.01):
                await self.loop.sleep(600)
        self.assertEqual(self.counters().live_tasks, 0)

    async def test_cancelling_one_of_many_leaves_the_others(self):
        tasks = [asyncio.create_task(self.loop.sleep(0.05)) for _ in range(100)]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        self.assertTrue(all(isinstance(r, asyncio.CancelledError) for r in results[::2]))
        self.assertTrue(all(r == 0 for r in results[1::2]), results[1::2])

    async def test_result_that_came_too_late_is_released(self):
        session = self.loop.session()
        pending = self.loop.start(lib.creche_session_fetch, session, self.loop.scope,
                                  (HTTP + "/small").encode(), None, convert=c.Response)
        task = asyncio.create_task(self.loop.wait(pending))
        # The cancellation is asked for in the very turn in which the result comes.
        pending.future.add_done_callback(lambda _: task.cancel())
        with self.assertRaises(asyncio.CancelledError):
            await task
        self.assertEqual(pending.future.result().handle, 0)

    async def test_cancelling_a_query_leaves_the_pool_usable(self):
        pool = self.loop.pool(DSN, max_size=2)
        before = (await self.loop.query(pool, "select 1"))[0]
        connection = await self.loop.acquire(pool)
        (pid,), = await connection.query("select pg_backend_pid()")
        await connection.query("select pg_advisory_lock(1)")
        task = asyncio.create_task(self.loop.query(pool, "select pg_advisory_lock(1)"))
        async with asyncio.timeout(30):  # until the server says that it runs
            while not (await connection.query(
                    "select 1 from pg_stat_activity where $1 = any(pg_blocking_pids(pid))", pid)):
                pass
        task.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await task
        blocked = await connection.query(
            "select 1 from pg_stat_activity where $1 = any(pg_blocking_pids(pid))", pid)
        self.assertEqual(len(blocked), 0)  # it had ended on the server, too
        connection.close()
        self.assertEqual((await self.loop.query(pool, "select 1"))[0], before)
        counters = c.PoolCounters()
        c.check(lib.creche_pool_get_counters(pool, byref(counters), sizeof(counters)))
        self.assertEqual((counters.cancels, counters.dropped), (1, 0))


class Postgres(Case):
    async def asyncSetUp(self):
        await super().asyncSetUp()
        self.pool = self.loop.pool(DSN, max_size=4)

    async def test_stream(self):
        async with self.loop.stream(self.pool, "select i, i::text from generate_series(1, $1::int) i", 20000) as rows:
            self.assertEqual(sum([number async for number, _ in rows]), 20000 * 20001 // 2)
        with self.assertRaises(CrecheError) as raised:
            async with self.loop.stream(self.pool, "select 1 / (i - 9000) from generate_series(1, 10000) i") as rows:
                async for _ in rows:
                    pass
        self.assertEqual(raised.exception.sqlstate, "22012")

    async def test_a_stream_that_is_left_is_stopped(self):
        async with self.loop.stream(self.pool, "select i from generate_series(1, 100000000) i") as rows:
            async for _ in rows:
                break
        counters = self.counters()
        self.assertEqual((counters.live_tasks, counters.live_handles), (0, 2))  # the queue and the pool

    async def test_parameters_and_accessors(self):
        rows = await self.loop.query(
            self.pool, "select $1::bool b, $2::int8 i, $3::float8 f, $4::text t, $5::bytea y, $6::int4 n,"
            " $7::numeric::text d, 7::int2 s, $8::uuid u", True, -2**63, 0.5, "grün", b"\0\xff", None, "12.5",
            "0123456789abcdef0123456789abcdef")
        self.assertEqual(rows.columns, ["b", "i", "f", "t", "y", "n", "d", "s", "u"])
        self.assertEqual(rows[0][:8], (True, -2**63, 0.5, "grün", b"\0\xff", None, "12.5", 7))
        self.assertEqual(rows[0][8].replace("-", ""), "0123456789abcdef0123456789abcdef")
        self.assertEqual(lib.creche_row_column_index(rows.block, b"f"), 2)
        self.assertEqual(lib.creche_row_column_index(rows.block, b"none"), -1)
        rows.close()
        with self.assertRaises(ValueError):
            rows[0]

    async def test_many_rows(self):
        rows = await self.loop.query(self.pool, "select i, i::text from generate_series(1, $1) i", 10000)
        self.assertEqual(list(rows), [(i, str(i)) for i in range(1, 10001)])
        self.assertEqual(rows.affected, 10000)

    async def test_gather_of_many_queries(self):
        answers = await asyncio.gather(
            *(self.loop.query(self.pool, "select $1::int8 * 2", i) for i in range(1000)))
        self.assertEqual([rows[0][0] for rows in answers], [2 * i for i in range(1000)])

    async def test_error_of_the_server(self):
        with self.assertRaises(CrecheError) as raised:
            await self.loop.query(self.pool, "select 1 frmo t")
        error = raised.exception
        self.assertEqual((error.name, error.sqlstate, error.phase), ("CRECHE_E_PG", "42601", c.PHASE_QUERY))
        self.assertGreater(error.server_position, 0)
        self.assertTrue(error.server_message and error.message)

    async def test_transactions(self):
        await self.loop.query(self.pool, "drop table if exists python_way")
        await self.loop.query(self.pool, "create table python_way (i int8 primary key)")

        async def stored():
            return [i for i, in await self.loop.query(self.pool, "select i from python_way order by i")]
        async with self.loop.transaction(self.pool) as connection:
            done = await connection.query("insert into python_way select generate_series(1, 3)")
            self.assertEqual((done.tag, done.affected), ("INSERT 0 3", 3))
            self.assertEqual(await stored(), [])  # nobody else sees it yet
            await connection.begin()  # a savepoint
            await connection.query("delete from python_way")
            await connection.rollback()
        self.assertEqual(await stored(), [1, 2, 3])

        with self.assertRaises(CrecheError) as raised:
            async with self.loop.transaction(self.pool) as connection:
                await connection.query("insert into python_way values (4)")
                await connection.query("insert into python_way values (1)")
        self.assertEqual(raised.exception.sqlstate, "23505")
        self.assertEqual(await stored(), [1, 2, 3])

        entered = asyncio.Event()

        async def cancelled():
            async with self.loop.transaction(self.pool) as connection:
                await connection.query("insert into python_way values (5)")
                entered.set()
                await connection.query("select pg_sleep(600)")
        task = asyncio.create_task(cancelled())
        await entered.wait()
        task.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await task
        self.assertEqual(await stored(), [1, 2, 3])
        await self.loop.query(self.pool, "drop table python_way")

    async def test_a_commit_that_is_a_rollback(self):
        connection = await self.loop.acquire(self.pool)
        with connection:
            self.assertIsInstance(connection, Connection)
            await connection.begin()
            with self.assertRaises(CrecheError):
                await connection.query("select 1/0")
            with self.assertRaises(CrecheError) as raised:
                await connection.commit()
        self.assertEqual(raised.exception.name, "CRECHE_E_ROLLED_BACK")

    async def test_fetch_and_store(self):
        """The whole point: both kinds of work in one tree."""
        session = self.loop.session()

        async def one(place, i):
            page = await place.fetch(session, f"{HTTP}/small?{i}")
            rows = await place.query(self.pool, "select length($1::bytea) + $2", page.body, i)
            return rows[0][0]
        async with self.loop.group(limit=10, timeout=60) as group:
            sizes = await asyncio.gather(*(group.spawn(one, i) for i in range(50)))
        self.assertEqual(sizes, [1024 + i for i in range(50)])


if __name__ == "__main__":
    logging.getLogger("asyncio").setLevel(logging.ERROR)  # how slow this machine is does not matter
    run = unittest.main(exit=False, verbosity=2).result
    failed = len(run.failures) + len(run.errors) + len(run.unexpectedSuccesses)
    sys.stderr.flush()
    print(f"{run.testsRun - failed - len(run.skipped)} passed, {failed} failed", flush=True)
    sys.exit(failed != 0 or run.testsRun == 0)
