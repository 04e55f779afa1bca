"""libcreche in a Trio program, by cffi: the declarations are the library's own, nothing is written again.

A completion comes by one queue, whose descriptor a task of Trio's watches. Each call is one wait in Trio:
cancelling it cancels the library's task, and goes on when that has ended."""
import itertools
import os
from collections import deque
from contextlib import asynccontextmanager

import cffi
import outcome
import trio

# show: load
ffi = cffi.FFI()
with open(os.environ.get("CRECHE_DECLARATIONS", "/usr/local/share/creche/creche.ffi.h"), encoding="utf-8") as text:
    ffi.cdef(text.read())
lib = ffi.dlopen(os.environ.get("CRECHE_LIBRARY", "libcreche.so.0.1"))
# end: load
NULL, SECOND, BATCH = ffi.NULL, 10**9, 256


# Structs are kept as the pointers that own them (handle, then handle[0] in calls): what is read out of a struct
# is a view that does not keep it.


class CrecheError(Exception):
    def __init__(self, status, error):
        self.status, self.name = status, ffi.string(lib.creche_status_name(status)).decode()
        self.sqlstate = ffi.string(error.sqlstate).decode() if error else ""
        super().__init__(f"{self.name}: {ffi.string(lib.creche_error_message(error)).decode()}")


def check(status):
    if status < 0:
        raise CrecheError(status, lib.creche_last_error())
    return status


def options(kind, **fields):
    it = ffi.new(f"creche_{kind}_options *")
    check(getattr(lib, f"creche_{kind}_options_init")(it, ffi.sizeof(it[0])))
    for name, value in fields.items():
        setattr(it, name, value)
    return it


def parameters(arguments):
    """creche_value[], and what must live as long: the call copies it."""
    kept = [it if isinstance(it, bytes) else str(it).encode() for it in arguments]
    return ffi.new("creche_value[]", [
        lib.creche_null() if it is None else lib.creche_bool(it) if isinstance(it, bool)
        else lib.creche_int8(it) if isinstance(it, int) else lib.creche_float8(it) if isinstance(it, float)
        else lib.creche_bytes(ffi.from_buffer(data), len(data)) if isinstance(it, bytes)
        else lib.creche_text_n(ffi.from_buffer(data), len(data))
        for it, data in zip(arguments, kept)]), kept


def rows_of(completion):
    block = ffi.cast("const creche_row_block *", completion.data)
    size, buffer = ffi.new("size_t *"), ffi.new("char[65536]")

    def cell(row, column, kind):
        if lib.creche_row_is_null(block, row, column):
            return None
        if kind in (lib.CRECHE_PG_INT2, lib.CRECHE_PG_INT4, lib.CRECHE_PG_INT8):
            return lib.creche_row_int8(block, row, column)
        if kind == lib.CRECHE_PG_FLOAT8:
            return lib.creche_row_float8(block, row, column)
        if kind == lib.CRECHE_PG_BYTEA:
            return bytes(ffi.buffer(lib.creche_row_bytes(block, row, column, size), size[0]))
        if (text := lib.creche_row_text(block, row, column, size)) != NULL:
            return ffi.string(text, size[0]).decode()
        lib.creche_row_format(block, row, column, buffer, len(buffer))
        return ffi.string(buffer).decode()
    columns = [(i, lib.creche_row_column_type(block, i)) for i in range(block.column_count)]
    return [tuple(cell(row, i, kind) for i, kind in columns) for row in range(block.row_count)]


class Loop:
    """What open_loop gives. Everything is started in one group, whose completions come to one queue."""

    def __init__(self):
        self.handle, self.queue = ffi.new("creche_loop *"), ffi.new("creche_queue *")
        self.group, self.waiting, self.ids = ffi.new("creche_group *"), {}, itertools.count(1)
        self.batch, self.stop = ffi.new("creche_completion[]", BATCH), trio.CancelScope()
        check(lib.creche_loop_open(NULL, self.handle))
        check(lib.creche_queue_open(self.handle[0], NULL, self.queue))
        given = options("group", policy=lib.CRECHE_COLLECT, queue=self.queue[0])
        check(lib.creche_group_open(self.handle.scope, given, NULL, NULL, self.group))

    # show: drain
    async def drain(self):
        """A system task: it goes on while those who were cancelled wait for the end of what they started."""
        n, fd = ffi.new("size_t *"), check(lib.creche_queue_fd(self.queue[0]))
        with self.stop:
            while True:
                await trio.lowlevel.wait_readable(fd)
                check(lib.creche_queue_drain(self.queue[0], self.batch, BATCH, n))
                for completion in self.batch[0:n[0]]:
                    user, more = int(ffi.cast("uintptr_t", completion.user)), completion.flags & lib.CRECHE_MORE
                    deliver = self.waiting.get(user) if more else self.waiting.pop(user, None)
                    if deliver:
                        deliver(completion)
                lib.creche_completions_release(self.batch, n[0])
    # end: drain

    # show: start
    def start(self, deliver, function, *arguments):
        user, task = next(self.ids), ffi.new("creche_task *")
        self.waiting[user] = deliver
        try:
            check(function(*arguments, NULL, ffi.cast("void *", user), task))
        except BaseException:
            del self.waiting[user]
            raise
        return task
    # end: start

    # show: call
    async def call(self, convert, function, *arguments):
        await trio.lowlevel.checkpoint_if_cancelled()
        waiter, cancelled = trio.lowlevel.current_task(), []

        def deliver(completion):
            try:
                if completion.status != 0:
                    raise CrecheError(completion.status, completion.error)
                result = outcome.Value(convert(completion))
            except Exception as error:
                result = outcome.Error(error)
            trio.lowlevel.reschedule(waiter, result)

        def abort(raise_cancel):
            cancelled.append(raise_cancel)
            lib.creche_scope_cancel(task.scope, b"cancelled by Trio")
            return trio.lowlevel.Abort.FAILED  # it goes on with the completion
        task = self.start(deliver, function, *arguments)
        try:
            return await trio.lowlevel.wait_task_rescheduled(abort)
        except CrecheError as error:
            if cancelled and error.status == lib.CRECHE_E_CANCELLED:
                cancelled[0]()
            raise
    # end: call

    def session(self, **fields):
        session = ffi.new("creche_session *")
        check(lib.creche_session_open(self.handle[0], options("session", **fields), session))
        return Session(self, session)

    def pool(self, dsn, **fields):
        pool = ffi.new("creche_pool *")
        check(lib.creche_pool_open(self.handle[0], dsn.encode(), options("pool", **fields), pool))
        return Pool(self, pool)


class Session:
    def __init__(self, loop, handle):
        self.loop, self.handle = loop, handle

    async def fetch(self, url):
        """(status, body)"""
        return await self.loop.call(lambda c: (c.code, bytes(ffi.buffer(c.data, c.data_size))),
                                    lib.creche_session_fetch, self.handle[0], self.loop.group.scope, url.encode(), NULL)


class Queries:
    def __init__(self, loop, handle):
        self.loop, self.handle = loop, handle

    async def query(self, sql, *arguments):
        values, kept = parameters(arguments)
        return await self.loop.call(rows_of, self._query, self.handle[0], self.loop.group.scope, sql.encode(), values,
                                    len(kept), NULL)


class Connection(Queries):
    _query = lib.creche_connection_query

    async def step(self, function):
        await self.loop.call(lambda c: None, function, self.handle[0], self.loop.group.scope, NULL)


class Pool(Queries):
    _query = lib.creche_pool_query

    @asynccontextmanager
    async def transaction(self):
        def own(completion):
            completion.flags &= ~lib.CRECHE_OWNED  # ours now: the batch's release leaves it alone
            return Connection(self.loop, ffi.new("creche_connection *", [completion.value]))
        connection = await self.loop.call(own, lib.creche_pool_acquire, self.handle[0], self.loop.group.scope, NULL)
        try:
            await connection.step(lib.creche_connection_begin)
            yield connection
            await connection.step(lib.creche_connection_commit)
        finally:  # without a commit it rolls back
            lib.creche_connection_release(connection.handle[0])

    @asynccontextmanager
    async def stream(self, sql, *arguments):
        """async with db.stream(...) as rows: async for row in rows. The server is held back meanwhile."""
        blocks, news, ended = deque(), trio.Event(), False

        def deliver(completion):
            nonlocal ended
            # Out of the batch, so that its release does not let the stream go on before we do.
            blocks.append(ffi.new("creche_completion *", completion))
            ended = not completion.flags & lib.CRECHE_MORE
            ffi.memmove(ffi.addressof(completion), bytes(ffi.sizeof(completion)), ffi.sizeof(completion))
            news.set()

        async def rows():
            nonlocal news
            while True:
                while not blocks:
                    news = trio.Event()
                    await news.wait()
                block = blocks.popleft()
                try:
                    if block.status != 0:
                        raise CrecheError(block.status, block.error)
                    if block.kind != lib.CRECHE_ROWS:
                        return
                    for row in rows_of(block):
                        yield row
                finally:
                    lib.creche_completions_release(block, 1)
        values, kept = parameters(arguments)
        task = self.loop.start(deliver, lib.creche_pool_stream, self.handle[0], self.loop.group.scope, sql.encode(),
                                values, len(kept), NULL)
        stream = rows()
        try:
            yield stream
        finally:
            lib.creche_scope_cancel(task.scope, NULL)
            with trio.CancelScope(shield=True):
                await stream.aclose()
                while blocks or not ended:
                    while blocks:
                        lib.creche_completions_release(blocks.popleft(), 1)
                    if not ended:
                        news = trio.Event()
                        await news.wait()


@asynccontextmanager
async def open_loop():
    loop = Loop()
    trio.lowlevel.spawn_system_task(loop.drain)
    try:
        yield loop
    finally:
        loop.stop.cancel()
        lib.creche_loop_close(loop.handle[0])
        with trio.CancelScope(shield=True):
            check(await trio.to_thread.run_sync(lib.creche_loop_join, loop.handle[0], 30 * SECOND))
