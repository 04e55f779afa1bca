"""What the test cases share: the servers, one that never answers, and a loop of libcreche in asyncio's."""
import asyncio
import contextlib
import gc
import os
import unittest
from ctypes import byref, sizeof

import creche_ctypes as c
from creche_asyncio import Loop
from creche_ctypes import lib

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
