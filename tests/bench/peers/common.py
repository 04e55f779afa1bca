"""What the peers in Python share: the same arguments and the same output as core_bench's."""

import asyncio
import os
import sys
import time

now = time.process_time_ns  # as core_bench does


def resident():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def duration(i, n):
    """Seconds: long, and in no order."""
    return 1000 + i * 7919 % n / 1000


def show(name, value):
    print(f"{name} {value:.1f}", flush=True)


def main(run, sections):
    """run: how the library runs an async function; sections: name to async function of n, total."""
    name, n = sys.argv[1], int(sys.argv[2])
    total = int(sys.argv[3]) if len(sys.argv) > 3 else n
    run(sections[name], n, total)


def keys():
    """Those that each client asks for, in this order, however many ask."""
    n = 0
    while True:
        n += 1
        yield 1 + n * 7919 % 100000


def run_on(loop, coroutine):
    """loop: asyncio or uvloop."""
    if loop == "uvloop":
        import uvloop  # pylint: disable=import-outside-toplevel

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(coroutine)
    else:
        asyncio.run(coroutine)
