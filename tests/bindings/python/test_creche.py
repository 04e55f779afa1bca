#!/usr/bin/env python3
"""asyncio programs over libcreche; sh tests/bindings/python.sh runs them with servers."""
import ast
import asyncio
import contextlib
import gc
import logging
import os
import re
import subprocess
import sys
import tempfile
import threading
import unittest
from ctypes import Structure, byref, sizeof

import creche_ctypes as c
from creche_asyncio import Connection, Loop
from creche_ctypes import CrecheError, lib
from test_misuse import Calls, Misuse  # noqa: F401 (found by unittest)

HTTP, HTTPS, CA = (os.environ[name] for name in ("HTTP_URL", "HTTPS_URL", "CA_FILE"))
DSN = os.environ["DATABASE_URL"]


class Silent:
    """A server that takes requests and never answers; says when one came and when its peer left."""

    async def __aenter__(self):
        self.came, self.gone = asyncio.Semaphore(0), asyncio.Semaphore(0)
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = "http://127.0.0.1:%d/" % self.server.sockets[0].getsockname()[1]
        return self

    async def _serve(self, reader, writer):
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            self.came.release()
            await reader.read()
        self.gone.release()
        writer.close()

    async def __aexit__(self, *_):
        self.server.close()
        await self.server.wait_closed()


class Case(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.unhandled = []
        asyncio.get_running_loop().set_exception_handler(lambda _, what: self.unhandled.append(what))
        self.loop = await self.enterAsyncContext(Loop())

    async def asyncTearDown(self):
        gc.collect()
        self.assertEqual(list(self.loop.waiting.values()), [self.loop.root.pending])
        self.assertEqual(self.unhandled, [])
        self.assertEqual(self.loop.unknown, 0, "a completion came twice, or for nobody")

    def counters(self):
        counters = c.LoopCounters()
        c.check(lib.creche_loop_get_counters(self.loop.handle, byref(counters), sizeof(counters)))
        return counters


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
        with self.assertRaises(CrecheError) as raised:
            async with self.loop.group(policy=c.COLLECT) as group:
                asyncio.get_running_loop().call_soon(group.cancel, "enough, käme zu spät")
                await group.sleep(600)
        self.assertEqual((raised.exception.reason, raised.exception.reason_text),
                         (c.REASON_EXPLICIT, "enough, käme zu spät"))

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


class Postgres(Case):
    async def asyncSetUp(self):
        await super().asyncSetUp()
        self.pool = self.loop.pool(DSN, max_size=4)

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


class Program(unittest.TestCase):
    def test_threads_each_with_a_loop_of_their_own(self):
        results = []

        async def program():
            async with Loop() as loop:
                results.append((await loop.fetch(loop.session(), HTTP + "/small")).status)
        threads = [threading.Thread(target=asyncio.run, args=(program(),)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(results, [200] * 4)

    def test_exit_with_everything_open(self):
        """An interpreter that ends without closing anything ends all the same."""
        here = os.path.dirname(os.path.abspath(__file__))
        program = ("from creche_ctypes import *; h = c_uint64(); s = c_uint64();"
                   "check(lib.creche_loop_open(None, byref(h)));"
                   "check(lib.creche_session_open(h, None, byref(s)));"
                   "check(lib.creche_sleep(h, NEVER, None, None, None, None)); print(lib.creche_version())")
        done = subprocess.run([sys.executable, "-c", program], cwd=here, capture_output=True, text=True,
                              timeout=60)
        self.assertEqual((done.returncode, done.stdout), (0, f"{lib.creche_version()}\n"), done.stderr)

    @unittest.skipUnless("CRECHE_PREFIX" in os.environ, "needs the headers of an installed library")
    def test_exit_while_callbacks_come(self):
        """At its exit CPython (up to 3.13) stops each thread that comes back to it: that is no crash."""
        program = (
            "import time\nimport creche_ctypes as c\nfrom ctypes import byref, c_int64, c_uint64\n"
            "loop = c_uint64()\nc.check(c.lib.creche_loop_open(None, byref(loop)))\n"
            "@c.Done\ndef ended(user, completion):\n"
            "    c.lib.creche_sleep(loop, c_int64(100000), None, ended, None, None)\n"
            "for _ in range(10): ended(None, None)\ntime.sleep(0.05)\n")
        for _ in range(3):
            run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60,
                                 cwd=os.path.dirname(os.path.abspath(__file__)))
            self.assertEqual((run.returncode, run.stderr), (0, ""))

    def test_structures_are_those_of_the_headers(self):
        """What creche_ctypes declares by hand, against what a C compiler sees."""
        expected, lines = [], []
        for name, struct in sorted(vars(c).items()):
            if not (isinstance(struct, type) and issubclass(struct, Structure)) or struct is Structure:
                continue
            c_name = "creche_" + re.sub("(?<!^)(?=[A-Z])", "_", name).lower()
            fields = [field for field, *_ in struct._fields_]
            expected.append((c_name, sizeof(struct), [getattr(struct, f).offset for f in fields]))
            offsets = ", ".join(f"offsetof({c_name}, {field})" for field in fields)
            lines.append(f'    SHOW({c_name}, {offsets});')
        source = (
            "#include <creche/creche.h>\n#include <stdio.h>\n"
            "#define SHOW(type, ...) do { size_t i, at[] = {__VA_ARGS__}; "
            'printf("(\\"" #type "\\", %zu, [", sizeof(type)); '
            'for (i = 0; i < sizeof at / sizeof *at; i++) printf("%zu,", at[i]); puts("])"); } while (0)\n'
            "int main(void) {\n" + "\n".join(lines) + "\n    return 0;\n}\n")
        with tempfile.TemporaryDirectory() as folder:
            program = os.path.join(folder, "layouts")
            subprocess.run(["cc", "-I", os.environ["CRECHE_PREFIX"] + "/include", "-x", "c", "-", "-o", program],
                           input=source, text=True, check=True, timeout=60)
            seen = subprocess.run([program], capture_output=True, text=True, check=True, timeout=60).stdout
        self.assertEqual([ast.literal_eval(line) for line in seen.splitlines()], expected)

    @unittest.skipUnless("CRECHE_PREFIX" in os.environ, "not run on an installed library")
    def test_the_installed_library_is_used(self):
        with open("/proc/self/maps", encoding="utf-8") as maps:
            loaded = {line.split()[-1] for line in maps if "libcreche" in line}
        self.assertEqual(len(loaded), 1)
        self.assertTrue(loaded.pop().startswith(os.path.realpath(os.environ["CRECHE_PREFIX"])))
        self.assertEqual(lib.creche_version_string().decode(), "%d.%d.%d" % (
            lib.creche_version() // 10**6, lib.creche_version() // 1000 % 1000, lib.creche_version() % 1000))


if __name__ == "__main__":
    logging.getLogger("asyncio").setLevel(logging.ERROR)  # how slow this machine is does not matter
    run = unittest.main(exit=False, verbosity=2).result
    failed = len(run.failures) + len(run.errors) + len(run.unexpectedSuccesses)
    sys.stderr.flush()
    print(f"{run.testsRun - failed - len(run.skipped)} passed, {failed} failed", flush=True)
    sys.exit(failed != 0 or run.testsRun == 0)
