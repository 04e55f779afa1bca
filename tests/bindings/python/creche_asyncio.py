"""libcreche in somebody's asyncio program: one queue, one reader, a Future for each completion."""
import asyncio
import contextlib
from ctypes import POINTER, byref, c_size_t, c_uint64

import creche_ctypes as c
from creche_ctypes import CrecheError, check, lib, nanoseconds, options

BATCH = 256


def _done(completion):
    return completion.value


def _nothing(_):
    return None


class _Pending:
    """What a `user` number stands for: the Future of a task, and its coroutine if that is ours."""
    __slots__ = ("future", "convert", "task", "begin", "body", "more")

    def __init__(self, future, convert, begin=None):
        self.future, self.convert, self.begin = future, convert, begin
        self.task, self.body, self.more = 0, None, None


class Place:
    """Anything that work is started in: the loop's own group, a group, an external task."""

    def __init__(self, loop, scope):
        self.loop, self.scope = loop, scope

    def cancel(self, reason=None):
        check(lib.creche_scope_cancel(self.scope, reason.encode() if reason else None))

    def sleep(self, seconds):
        return self.loop.call(lib.creche_sleep, self.scope, nanoseconds(seconds), None)

    def fetch(self, session, url, **fields):
        given = options(c.RequestOptions, **fields) if fields else None
        return self.loop.call(lib.creche_session_fetch, session, self.scope, url.encode(),
                              byref(given) if given else None, convert=c.Response)

    def query(self, pool, sql, *arguments):
        return self._query(lib.creche_pool_query, pool, sql, arguments)

    @contextlib.asynccontextmanager
    async def stream(self, pool, sql, *arguments):
        """async with place.stream(...) as rows: async for row in rows. The server is held back meanwhile."""
        blocks = asyncio.Queue()
        pending = self.loop.start(lib.creche_pool_stream, pool, self.scope, sql.encode(), c.values(arguments),
                                  len(arguments), None, convert=_nothing)
        pending.more = blocks.put_nowait
        pending.future.add_done_callback(lambda _: blocks.put_nowait(None))

        async def rows():
            while (block := await blocks.get()) is not None:
                with block:  # giving it up lets the stream go on
                    for row in block:
                        yield row
            await pending.future
        try:
            async with contextlib.aclosing(rows()) as found:
                yield found
        finally:
            lib.creche_scope_cancel(pending.task, b"the stream was left")
            blocks.put_nowait(None)
            while not pending.future.done() or not blocks.empty():
                if (block := await asyncio.shield(blocks.get())) is not None:
                    block.close()
            pending.future.exception()  # raised above, or of no interest any more

    def acquire(self, pool):
        return self.loop.call(lib.creche_pool_acquire, pool, self.scope, None,
                              convert=lambda completion: Connection(self, completion))

    def transaction(self, pool):
        return Transaction(self, pool)

    def group(self, **fields):
        return Group(self, fields)

    def spawn(self, function, *arguments):
        """Runs `await function(place, *arguments)` as an external task, a child of this place."""
        return self.loop.external(self.scope, function, arguments)

    def _query(self, call, target, sql, arguments):
        return self.loop.call(call, target, self.scope, sql.encode(), c.values(arguments),
                              len(arguments), None, convert=c.Rows)


class Connection(c.Owned):
    _release = "creche_connection_release"

    def __init__(self, place, completion):
        super().__init__(completion)
        self.place = place

    def query(self, sql, *arguments):
        return self.place._query(lib.creche_connection_query, self.handle, sql, arguments)

    def begin(self):
        return self._step(lib.creche_connection_begin)

    def commit(self):
        return self._step(lib.creche_connection_commit)

    def rollback(self):
        return self._step(lib.creche_connection_rollback)

    def _step(self, call):
        return self.place.loop.call(call, self.handle, self.place.scope, None, convert=_nothing)


class Transaction:
    """async with: commits at the end; any exception rolls back."""

    def __init__(self, place, pool):
        self.place, self.pool = place, pool

    async def __aenter__(self):
        self.connection = await self.place.acquire(self.pool)
        try:
            await self.connection.begin()
        except BaseException:
            self.connection.close()
            raise
        return self.connection

    async def __aexit__(self, kind, *_):
        with self.connection:  # given back without a commit it rolls back
            if kind is None:
                await self.connection.commit()


class Group(Place):
    """async with: ends after the last of its children; what leaves the body cancels them. A cancellation of
    its own (a deadline that moves on, cancel) that leaves the body ends here."""

    def __init__(self, place, fields):
        super().__init__(place.loop, 0)
        self.parent, self.fields, self.flags = place, fields, 0

    async def __aenter__(self):
        if "timeout" in self.fields:
            self.fields["timeout"] = nanoseconds(self.fields["timeout"])
        given, group = options(c.GroupOptions, **self.fields), c_uint64()
        user, self.pending = self.loop.expect(self._ended)
        try:
            check(lib.creche_group_open(self.parent.scope, byref(given), None, user, byref(group)))
        except BaseException:
            self.loop.forget(user)
            raise
        self.scope = self.pending.task = group.value
        return self

    def _ended(self, completion):
        self.flags = completion.flags

    def start_soon(self, function, *arguments):
        """spawn, for a child that nobody awaits: its failure is the group's."""
        child = self.loop.start_external(self.scope, function, arguments)
        child.future.add_done_callback(lambda future: future.exception())  # it has been told

    async def __aexit__(self, kind, raised, _):
        if kind is not None:
            lib.creche_scope_cancel(self.scope, b"the body of the group raised")
        lib.creche_group_close(self.scope)
        stopped = isinstance(raised, CrecheError) and raised.status == c.E_CANCELLED
        try:
            await self.loop.wait(self.pending)
        except CrecheError:
            if kind is None or stopped:  # else the body's own exception goes on
                raise
        return stopped and bool(self.flags & c.CAUGHT)


class Loop(Place):
    """async with: opens a loop on a thread of its own, with a group that sends every completion to
    one queue; at the end waits for all that is in it."""

    def __init__(self, **fields):
        super().__init__(self, 0)
        self.fields = fields
        self.waiting, self.batches, self.unknown = {}, 0, 0

    async def __aenter__(self):
        self.asyncio = asyncio.get_running_loop()
        self.handle, self.queue = c_uint64(), c_uint64()
        self.buffer = (c.Completion * BATCH)()
        check(lib.creche_loop_open(byref(options(c.LoopOptions, **self.fields)), byref(self.handle)))
        try:
            check(lib.creche_queue_open(self.handle, None, byref(self.queue)))
            self.fd = check(lib.creche_queue_fd(self.queue))
            self.asyncio.add_reader(self.fd, self._drain)
            # Errors are results here: they are raised where they are awaited.
            root = Place(self, self.handle.value)
            self.root = Group(root, {"policy": c.COLLECT, "queue": self.queue.value})
            self.scope = (await self.root.__aenter__()).scope
        except BaseException:
            self._close()
            raise
        return self

    async def __aexit__(self, *raised):
        try:
            await self.root.__aexit__(*raised)
        finally:
            self._close()

    def _close(self):
        self.asyncio.remove_reader(getattr(self, "fd", -1))
        lib.creche_loop_close(self.handle)
        check(lib.creche_loop_join(self.handle, 30 * c.SECOND))

    def session(self, **fields):
        session = c_uint64()
        check(lib.creche_session_open(self.handle, byref(options(c.SessionOptions, **fields)), byref(session)))
        return session.value

    def pool(self, dsn, **fields):
        pool = c_uint64()
        check(lib.creche_pool_open(self.handle, dsn.encode(), byref(options(c.PoolOptions, **fields)),
                                   byref(pool)))
        return pool.value

    # ---- Completions become results ----
    def expect(self, convert, begin=None):
        user, pending = next(c._ids), _Pending(self.asyncio.create_future(), convert, begin)
        self.waiting[user] = pending
        return user, pending

    def forget(self, user):
        del self.waiting[user]

    def start(self, function, *arguments, convert=_done):
        """Starts an operation whose C function ends with the common tail."""
        user, pending = self.expect(convert)
        task = c_uint64()
        try:
            check(function(*arguments, None, user, byref(task)))
        except BaseException:
            self.forget(user)
            raise
        pending.task = task.value
        return pending

    async def call(self, function, *arguments, convert=_done):
        return await self.wait(self.start(function, *arguments, convert=convert))

    async def wait(self, pending):
        """The result. Cancelled: cancels creche's task, and goes on only when that has ended."""
        try:
            return await asyncio.shield(pending.future)
        except asyncio.CancelledError:
            lib.creche_scope_cancel(pending.task, b"the asyncio task was cancelled")
            while not pending.future.done():
                try:
                    await asyncio.wait([pending.future])
                except asyncio.CancelledError:
                    pass  # it is being stopped already
            if pending.future.exception() is None and isinstance(pending.future.result(), c.Owned):
                pending.future.result().close()
            raise

    def _drain(self):
        n = c_size_t()
        check(lib.creche_queue_drain(self.queue, self.buffer, BATCH, byref(n)))
        self.batches += 1
        try:
            for i in range(n.value):
                self._deliver(self.buffer[i])
        finally:
            lib.creche_completions_release(self.buffer, n)

    def _deliver(self, completion):
        pending = self.waiting.get(completion.user)
        if pending is None:
            self.unknown += 1
        elif completion.flags & c.MORE:
            if completion.kind == c.BEGIN:
                pending.begin(pending, completion.task)
            elif completion.kind == c.ROWS:
                rows = c.Rows(completion)
                completion.flags &= ~c.OWNED
                pending.more(rows)
            elif completion.kind == c.CANCEL and pending.body is not None:
                pending.body.cancel()
        else:
            del self.waiting[completion.user]
            try:
                if completion.status != c.OK:
                    raise c.from_error(completion.error, completion.status)
                result = pending.convert(completion)
                if isinstance(result, c.Owned):
                    completion.flags &= ~c.OWNED  # ours now: the batch's release leaves it alone
                pending.future.set_result(result)
            except Exception as error:
                pending.future.set_exception(error)

    # ---- Coroutines as external tasks ----
    async def external(self, scope, function, arguments):
        return await self.wait(self.start_external(scope, function, arguments))

    def start_external(self, scope, function, arguments):
        value = []  # stays here; the library carries numbers only

        def begin(pending, task):
            pending.body = self.asyncio.create_task(function(Place(self, task), *arguments))
            pending.body.add_done_callback(lambda body: finish(task, body))

        def finish(task, body):
            status, error = c.OK, None
            if body.cancelled():
                status = c.E_CANCELLED
            elif (raised := body.exception()) is not None:
                status, error = _error_of(raised)
            else:
                value.append(body.result())
            try:
                check(lib.creche_task_finish(task, status, 0, error))
            finally:
                if error is not None:
                    lib.creche_error_release(error)

        user, pending = self.expect(lambda completion: value[0], begin)
        task = c_uint64()
        try:
            check(lib.creche_task_open(scope, None, None, user, byref(task)))
        except BaseException:
            self.forget(user)
            raise
        pending.task = task.value
        return pending


def _error_of(raised):
    """A status and an error for creche_task_finish that carry a Python exception."""
    if isinstance(raised, CrecheError) and raised.status == c.E_CANCELLED:
        return c.E_CANCELLED, None
    cookie, error = next(c._ids), POINTER(c.Error)()
    c._cookies[cookie] = raised
    try:
        check(lib.creche_error_new(c.E_USER, f"{type(raised).__name__}: {raised}".encode(), cookie,
                                   c._cookie_free, None, byref(error)))
    except BaseException:
        del c._cookies[cookie]
        raise
    return c.E_USER, error
