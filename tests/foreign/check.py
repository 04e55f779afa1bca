#!/usr/bin/env python3
"""The same exchanges with the servers of others, by each protocol that they speak, through the shared library
(by ctypes). usage, inside creche-test-servers (whose certificates are used): check.py [NAME ...]

The last line is "N passed, N failed, N skipped"; a server that is not on this machine is skipped."""
import asyncio
import hashlib
import os
import sys
import tempfile
import traceback

import servers

sys.path.insert(0, os.path.join(servers.HERE, "..", "bindings", "python"))
import creche_asyncio
import creche_ctypes as c

CA = os.environ["CA_FILE"]
HTTP_1_1, HTTP_2 = 1, 2
BIG = 8 << 20
TEXT = ("All happy families are alike; each unhappy family is unhappy in its own way.\n" * 2000).encode()


def make_files(folder):
    big = hashlib.shake_128(b"big").digest(BIG)  # nothing that can be coded smaller
    for name, content in (("small.bin", b"small" * 200), ("text.txt", TEXT), ("big.bin", big), ("empty.bin", b"")):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(content)
    return hashlib.sha256(big).hexdigest()


class Exchanges:
    """What is tried; each method is a case."""

    def __init__(self, loop, base, echo, versions, digest):
        self.loop, self.base, self.echo, self.digest = loop, base, echo, digest
        self.session = loop.session(ca_file=CA.encode(), limit=8, versions=versions, max_body=64 << 20)

    def get(self, path, **fields):
        return self.loop.fetch(self.session, self.base + path, **fields)

    async def a_small_one(self):
        with await self.get("/small.bin") as response:
            assert (response.status, response.body) == (200, b"small" * 200)

    async def an_empty_one(self):
        with await self.get("/empty.bin") as response:
            assert (response.status, response.body) == (200, b"")

    async def a_large_one(self):
        with await self.get("/big.bin") as response:
            assert response.status == 200
            assert hashlib.sha256(response.body).hexdigest() == self.digest

    async def text_perhaps_coded(self):
        with await self.get("/text.txt") as response:
            assert (response.status, response.body) == (200, TEXT)

    async def head_then_get(self):
        with await self.get("/big.bin", method=b"HEAD") as response:
            assert (response.status, response.body) == (200, b"")
        await self.a_small_one()

    async def nothing_there(self):
        with await self.get("/missing") as response:
            assert response.status == 404
        await self.a_small_one()

    async def a_hundred_at_once(self):
        async def one():
            with await self.get("/small.bin") as response:
                assert (response.status, len(response.body)) == (200, 1000)
        await asyncio.gather(*(one() for _ in range(100)))

    async def large_and_small_together(self):
        await asyncio.gather(self.a_large_one(), self.a_large_one(), *(self.a_small_one() for _ in range(20)))

    async def cancelled_on_the_way(self):
        tasks = [asyncio.ensure_future(self.get("/big.bin")) for _ in range(20)]
        with await self.get("/small.bin"):
            pass
        for task in tasks[::2]:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, c.Response):
                assert hashlib.sha256(result.body).hexdigest() == self.digest
                result.close()
            else:
                assert isinstance(result, asyncio.CancelledError), result
        await self.a_small_one()

    async def a_body_is_taken_or_refused(self):
        """Servers of files say 404 or 405, some before they have read it; the next request is well."""
        body = b"upload" * 30000
        with await self.get("/small.bin", method=b"POST", body=body, body_size=len(body)) as response:
            assert response.status == 200 or 400 <= response.status <= 501, response.status
        await self.a_small_one()

    async def an_echo(self):
        if not self.echo:
            return
        body = hashlib.shake_128(b"echo").digest(3 << 20)
        for size in (1, 1000, len(body)):
            with await self.get(self.echo, method=b"POST", body=body, body_size=size) as response:
                assert (response.status, response.body) == (200, body[:size])


CASES = [name for name in vars(Exchanges) if not name.startswith("_") and name != "get"]


async def run_all(name, protocol, base, echo, digest, failures):
    async with creche_asyncio.Loop() as loop:
        exchanges = Exchanges(loop, base, echo, HTTP_2 if protocol.endswith("/2") else HTTP_1_1, digest)
        passed = 0
        for case in CASES:
            try:
                await asyncio.wait_for(getattr(exchanges, case)(), 60)
                passed += 1
            except Exception:
                failures.append(f"{name}, {protocol}, {case}: {traceback.format_exc()}")
        return passed


def main():
    wanted = sys.argv[1:]
    passed, skipped, failures = 0, 0, []
    beside_ca = os.path.dirname(CA)
    with tempfile.TemporaryDirectory() as files:
        digest = make_files(files)
        os.chmod(files, 0o755)
        for server in servers.ALL:
            if wanted and server.__name__ not in wanted:
                continue
            with tempfile.TemporaryDirectory() as folder:
                os.chmod(folder, 0o755)
                place = servers.Place(folder, files, os.path.join(beside_ca, "server.pem"),
                                      os.path.join(beside_ca, "server.key"))
                try:
                    with server(place) as speaks:
                        echo = speaks.pop("echo", None)
                        for protocol, base in speaks.items():
                            good = asyncio.run(run_all(server.__name__, protocol, base, echo, digest, failures))
                            passed += good
                            print(f"{server.__name__:10} {protocol:10} {good} of {len(CASES)}", flush=True)
                except servers.Missing as missing:
                    skipped += 1
                    print(f"{server.__name__:10} skipped: {missing}")
    for failure in failures:
        print(failure)
    print(f"{passed} passed, {len(failures)} failed" + (f", {skipped} skipped" if skipped else ""))
    sys.exit(bool(failures))


main()
