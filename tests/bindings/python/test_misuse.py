"""Misuse through a foreign language: a code and a message each time, never a crash."""
import ctypes
import threading
import unittest
from ctypes import POINTER, byref, c_int64, c_size_t, c_uint64, sizeof

import creche_ctypes as c
from creche_ctypes import lib, options


class Threaded(unittest.TestCase):
    """A loop on its thread, a queue, a group; no asyncio."""

    def setUp(self):
        self.loop, self.queue, self.session, self.group = (c_uint64() for _ in range(4))
        c.check(lib.creche_loop_open(None, byref(self.loop)))
        self.addCleanup(self.close)
        c.check(lib.creche_queue_open(self.loop, None, byref(self.queue)))
        c.check(lib.creche_session_open(self.loop, None, byref(self.session)))
        given = options(c.GroupOptions, policy=c.COLLECT, queue=self.queue.value)
        c.check(lib.creche_group_open(self.loop, byref(given), None, None, byref(self.group)))

    def close(self):
        lib.creche_group_close(self.group)  # an open group keeps its loop
        if lib.creche_loop_close(self.loop) == c.OK:
            c.check(lib.creche_loop_join(self.loop, 30 * c.SECOND))

    def fails(self, expected, call, *arguments):
        """The code that was returned, and the same with words as the thread's last error."""
        lib.creche_group_open(0, None, None, None, None)  # another failure before
        status = call(*arguments)
        error = lib.creche_last_error().contents
        self.assertEqual((c.CrecheError(status).name, error.status), (f"CRECHE_{expected}", status))
        self.assertGreater(len(error.message), 5)
        self.assertEqual(error.message.decode().count("\n"), 0)
        self.assertEqual(lib.creche_error_message(lib.creche_last_error()), error.message)
        return error.message.decode()

    def on_the_loop(self, function):
        """function() on the loop's thread, in a callback; its result or exception here."""
        done, result = threading.Event(), []

        @c.Done
        def callback(_user, completion):
            try:
                result.append(function(completion.contents))
            except BaseException as error:
                result.append(error)
            done.set()
        c.check(lib.creche_loop_post(self.loop, callback, None))
        self.assertTrue(done.wait(30))
        self.close()  # the callback must have returned before it is collected
        if isinstance(result[0], BaseException):
            raise result[0]
        return result[0]


class Misuse(Threaded):
    def test_null_handles(self):
        for call, arguments in (
                (lib.creche_scope_cancel, (0, None)), (lib.creche_group_close, (0,)),
                (lib.creche_queue_fd, (0,)), (lib.creche_loop_close, (0,)),
                (lib.creche_task_finish, (0, 0, 0, None)), (lib.creche_response_status, (0,)),
                (lib.creche_session_fetch, (0, self.group, b"http://localhost/", None, None, None, None)),
                (lib.creche_session_fetch, (self.session, 0, b"http://localhost/", None, None, None, None)),
                (lib.creche_pool_query, (0, self.group, b"select 1", None, 0, None, None, None, None)),
                (lib.creche_connection_commit, (0, self.group, None, None, None, None))):
            with self.subTest(call=call.__name__):
                self.fails("E_BAD_HANDLE", call, *arguments)

    def test_forged_handles(self):
        for forged in (1, 2**64 - 1, 0xdeadbeefdeadbeef, self.group.value ^ 1, self.group.value ^ 1 << 63):
            with self.subTest(forged=hex(forged)):
                status = lib.creche_scope_cancel(forged, None)
                # Another slot or generation that never was; that one has ended cannot be told apart.
                self.assertIn(c.CrecheError(status).name, ("CRECHE_E_BAD_HANDLE", "CRECHE_E_ENDED"))
                self.assertTrue(lib.creche_last_error().contents.message)

    def test_handles_of_another_kind(self):
        for call, arguments in (
                (lib.creche_scope_cancel, (self.session, None)), (lib.creche_group_close, (self.queue,)),
                (lib.creche_group_close, (self.loop,)), (lib.creche_queue_fd, (self.group,)),
                (lib.creche_task_finish, (self.group, 0, 0, None)),
                (lib.creche_pool_query, (self.session, self.group, b"select 1", None, 0, None, None, None, None)),
                (lib.creche_loop_close, (self.group,))):
            with self.subTest(call=call.__name__):
                self.fails("E_BAD_HANDLE", call, *arguments)

    def test_stale_handles(self):
        task = c_uint64()
        c.check(lib.creche_sleep(self.group, 0, None, None, None, byref(task)))
        done, n = (c.Completion * 8)(), c_size_t()
        c.check(lib.creche_queue_wait(self.queue, done, 8, 30 * c.SECOND, byref(n)))
        self.assertEqual((n.value, done[0].task), (1, task.value))
        lib.creche_completions_release(done, n)
        lib.creche_completions_release(done, n)  # again: harmless
        self.fails("E_ENDED", lib.creche_scope_cancel, task, None)
        lib.creche_session_release(self.session)
        lib.creche_session_release(self.session)
        self.fails("E_ENDED", lib.creche_session_fetch, self.session, self.group, b"http://localhost/",
                   None, None, None, None)
        self.close()
        self.fails("E_ENDED", lib.creche_group_close, self.group)
        self.fails("E_ENDED", lib.creche_loop_join, self.loop, 0)

    def test_options_of_another_size(self):
        for kind, call in (
                (c.GroupOptions, self.open_group),
                (c.ScopeOptions, self.open_scope), (c.TaskOptions, lambda o: lib.creche_sleep(self.group, 0, o, None, None, None)),
                (c.SessionOptions, lambda o: lib.creche_session_open(self.loop, o, byref(c_uint64()))),
                (c.PoolOptions, lambda o: lib.creche_pool_open(self.loop, b"", o, byref(c_uint64()))),
                (c.QueueOptions, lambda o: lib.creche_queue_open(self.loop, o, byref(c_uint64()))),
                (c.RequestOptions, lambda o: lib.creche_session_fetch(
                    self.session, self.group, b"no url", o, None, None, None)),
                (c.LoopOptions, self.open_loop)):
            newer = c.structure("Newer", [("known", kind), ("field", c_uint64)])

            def at(it, kind=kind):
                return ctypes.cast(byref(it), POINTER(kind))
            # Those that have grown: what they had at first.
            least = {c.PoolOptions: c.PoolOptions.statement_lifetime.offset,
                     c.SessionOptions: c.SessionOptions.base_url.offset,
                     c.RequestOptions: c.RequestOptions.params.offset,
                     c.LoopOptions: c.LoopOptions.busy_poll.offset}.get(kind, sizeof(kind))
            with self.subTest(kind.__name__, size="short"):
                for size in (0, 7, 8, least - 1):  # less than any version had
                    self.fails("E_INVALID", call, byref(options(kind, size=size)))
            with self.subTest(kind.__name__, size="of 0.1"):
                self.assertEqual(call(byref(options(kind))), c.OK)
            with self.subTest(kind.__name__, size="newer, not used"):
                it = newer(known=options(kind, size=sizeof(newer)))
                self.assertEqual(call(at(it)), c.OK)
            with self.subTest(kind.__name__, size="newer, used"):
                it = newer(known=options(kind, size=sizeof(newer)), field=1)
                self.fails("E_UNSUPPORTED", call, at(it))
            with self.subTest(kind.__name__, flags="unknown"):
                self.fails("E_UNSUPPORTED", call, byref(options(kind, flags=1 << 31)))

    def open_group(self, given):
        group = c_uint64()
        status = lib.creche_group_open(self.group, given, None, None, byref(group))
        return status or lib.creche_group_close(group)

    def open_scope(self, given):
        scope = c_uint64()
        status = lib.creche_scope_open(self.group, given, byref(scope))
        return status or lib.creche_scope_leave(scope, None)

    def open_loop(self, given):
        loop = c_uint64()
        status = lib.creche_loop_open(given, byref(loop))
        if status == c.OK:
            c.check(lib.creche_loop_close(loop))
            c.check(lib.creche_loop_join(loop, 30 * c.SECOND))
        return status

    def test_null_where_not_allowed(self):
        n = c_size_t()
        for call, arguments in (
                (lib.creche_loop_open, (None, None)), (lib.creche_queue_open, (self.loop, None, None)),
                (lib.creche_session_open, (self.loop, None, None)),
                (lib.creche_pool_open, (self.loop, b"", None, None)),
                (lib.creche_scope_open, (self.group, None, None)),
                (lib.creche_session_fetch, (self.session, self.group, None, None, None, None, None)),
                (lib.creche_queue_drain, (self.queue, None, 8, byref(n))),
                (lib.creche_queue_drain, (self.queue, (c.Completion * 8)(), 8, None)),
                (lib.creche_task_open, (self.loop, None, None, None, None)),  # no queue above
                (lib.creche_now, (self.group, None)),
                (lib.creche_loop_get_counters, (self.loop, None, 8)),
                (lib.creche_group_options_init, (None, 8)),
                (lib.creche_loop_post, (self.loop, c.Done(), None))):
            with self.subTest(call=call.__name__):
                self.fails("E_INVALID", call, *arguments)

    def test_values_out_of_range(self):
        open_group = lib.creche_group_open
        now = c_int64()
        c.check(lib.creche_now(self.group, byref(now)))
        for expected, fields in (("E_INVALID", {"timeout": -1}), ("E_INVALID", {"timeout": 1, "deadline": now.value}),
                                 ("E_UNSUPPORTED", {"policy": 99}), ("E_UNSUPPORTED", {"on_timeout": 2}),
                                 ("E_INVALID", {"shield": 2})):
            with self.subTest(**fields):
                self.fails(expected, open_group, self.group, byref(options(c.GroupOptions, **fields)), None,
                           None, None)
        self.fails("E_INVALID", lib.creche_sleep, self.group, -1, None, None, None, None)
        self.fails("E_INVALID", lib.creche_error_new, -1, b"not a user's", None, c.CookieFree(), None,
                   byref(POINTER(c.Error)()))

    def test_state(self):
        task = c_uint64()
        c.check(lib.creche_sleep(self.group, c.NEVER, None, None, None, byref(task)))
        self.fails("E_STATE", lib.creche_task_finish, task, c.OK, 0, None)
        self.fails("E_STATE", lib.creche_sleep, task, 0, None, None, None, None)
        self.fails("E_STATE", lib.creche_scope_leave, self.group, None)
        self.fails("E_STATE", lib.creche_loop_run, self.loop)
        scope = c_uint64()
        c.check(lib.creche_scope_open(self.group, None, byref(scope)))
        c.check(lib.creche_sleep(scope, c.NEVER, None, None, None, None))
        self.fails("E_BUSY", lib.creche_scope_leave, scope, byref(c.Outcome()))
        c.check(lib.creche_scope_leave(scope, None))
        self.fails("E_STATE", lib.creche_scope_leave, scope, None)

    def test_another_loop(self):
        other, session = c_uint64(), c_uint64()
        c.check(lib.creche_loop_open(None, byref(other)))
        c.check(lib.creche_session_open(other, None, byref(session)))
        try:
            self.fails("E_WRONG_LOOP", lib.creche_session_fetch, session, self.group, b"http://localhost/",
                       None, None, None, None)
        finally:
            c.check(lib.creche_loop_close(other))
            c.check(lib.creche_loop_join(other, 30 * c.SECOND))

    def test_closed(self):
        c.check(lib.creche_group_close(self.group))
        done, n = (c.Completion * 8)(), c_size_t()
        c.check(lib.creche_queue_wait(self.queue, done, 8, 30 * c.SECOND, byref(n)))
        lib.creche_completions_release(done, n)
        self.fails("E_ENDED", lib.creche_sleep, self.group, 0, None, None, None, None)
        c.check(lib.creche_queue_close(self.queue, None, None))
        self.fails("E_CLOSED", lib.creche_queue_wait, self.queue, done, 8, 30 * c.SECOND, byref(n))

    def test_blocking_calls_on_the_loop(self):
        done, n = (c.Completion * 8)(), c_size_t()

        def blocking(completion):
            self.assertEqual(completion.kind, c.POST)
            return [self.fails("E_WOULD_DEADLOCK", call, *arguments) for call, arguments in (
                (lib.creche_queue_wait, (self.queue, done, 8, c.NEVER, byref(n))),
                (lib.creche_loop_join, (self.loop, c.NEVER)), (lib.creche_loop_run, (self.loop,)),
                (lib.creche_loop_poll, (self.loop, 0)), (lib.creche_group_join, (self.group, c.NEVER, None)))]
        self.assertEqual(len(self.on_the_loop(blocking)), 5)

    def test_last_error_is_each_thread_s_own(self):
        self.fails("E_BAD_HANDLE", lib.creche_queue_fd, 0)
        thread = threading.Thread(target=lambda: lib.creche_sleep(self.group, -1, None, None, None, None))
        thread.start()
        thread.join()
        self.assertEqual(lib.creche_last_error().contents.status, c.STATUSES["BAD_HANDLE"])


class Calls(Threaded):
    def test_callbacks_on_the_loop_s_thread(self):
        ended, seen = threading.Event(), []

        @c.Done
        def done(user, completion):
            it = completion.contents
            seen.append((user, it.kind, it.status, it.flags, threading.get_ident()))
            ended.set()
        c.check(lib.creche_sleep(self.loop, 0, None, ctypes.cast(done, ctypes.c_void_p), 42, None))
        self.assertTrue(ended.wait(30))
        self.close()
        self.assertEqual(seen[0][:4], (42, c.DONE, c.OK, 0))
        self.assertNotEqual(seen[0][4], threading.get_ident())

    def test_route_to_the_group_keeps_the_order(self):
        to_group = ctypes.cast(lib.creche_to_group, ctypes.c_void_p)
        for i in range(1, 6):
            c.check(lib.creche_sleep(self.group, (6 - i) * 10**6, None, to_group, i, None))
        c.check(lib.creche_group_close(self.group))
        done, n = (c.Completion * 8)(), c_size_t()
        c.check(lib.creche_queue_wait(self.queue, done, 8, 30 * c.SECOND, byref(n)))
        self.assertEqual((n.value, done[0].task, done[0].value), (1, self.group.value, 5))
        kept = ctypes.cast(done[0].data, POINTER(c.Completion))
        self.assertEqual([kept[i].user for i in range(5)], [1, 2, 3, 4, 5])
        lib.creche_completions_release(done, n)

    def test_statuses_have_the_numbers_of_the_header(self):
        for name, number in c.STATUSES.items():
            self.assertEqual(lib.creche_status_name(number).decode(), f"CRECHE_E_{name}")
        self.assertEqual(lib.creche_status_name(12345), b"?")

    def test_layouts(self):
        """An _init that fills all of a struct tells that its declaration has the right size."""
        for kind in (c.LoopOptions, c.QueueOptions, c.ScopeOptions, c.TaskOptions, c.GroupOptions,
                     c.SessionOptions, c.RequestOptions, c.PoolOptions):
            self.assertEqual(options(kind).size, sizeof(kind), kind.__name__)
        self.assertEqual((sizeof(c.Completion), sizeof(c.Outcome), sizeof(c.Value)), (80, 16, 40))
        session = options(c.SessionOptions)
        self.assertEqual((session.limit, session.max_redirects, session.max_body, session.dns_ttl_ms),
                         (100, 10, 64 << 20, 10000))
        pool = options(c.PoolOptions)
        self.assertEqual((pool.max_size, pool.pipeline_depth, pool.cancel_timeout), (10, 64, 5 * c.SECOND))
        self.assertEqual(lib.creche_version_string(), b"0.1.0")
