#!/usr/bin/env python3
"""Several harvests share one crawl over one database: killed, stopped, suspended.

Usage: harvest_queue_check.py <creche-test-servers> <example_harvest>"""
import collections
import http.server
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time

import harvest_check
from harvest_check import PATIENCE, expect, sql

LEASE = 6


class Pages(http.server.BaseHTTPRequestHandler):
    """Notes who asks for what: each harvest has a cookie of its own. Nobody is answered before so many of
    them as the quorum says have asked; /hang, and those that are held up, only when all is let go."""
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        server = self.server
        worker = (self.headers.get("Cookie") or "=?").split("=")[1]
        with server.changed:
            server.asked.append((self.path, worker, time.monotonic()))
            server.changed.notify_all()
            held_up = self.path.startswith("/hang") or worker in server.held_up
            server.changed.wait_for(lambda: server.let_go or not held_up and
                                    len({who for _, who, _ in server.asked}) >= server.quorum, PATIENCE)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Crawl:
    def __init__(self, program, name, quorum=1, held_up=""):
        self.program, self.name, self.workers = program, name, {}
        self.folder = tempfile.TemporaryDirectory(prefix="creche-harvest-")
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
        self.server.daemon_threads = True
        self.server.asked, self.server.let_go, self.server.changed = [], False, threading.Condition()
        self.server.quorum, self.server.held_up = quorum, held_up
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.workers.values():
            if process.poll() is None:
                process.kill()
                process.wait()
        self.let_go()
        self.server.shutdown()
        self.server.server_close()
        self.folder.cleanup()

    def start(self, worker, *arguments):
        jar = os.path.join(self.folder.name, worker)
        with open(jar, "w") as file:
            file.write(f"# Netscape HTTP Cookie File\n127.0.0.1\tFALSE\t/\tFALSE\t0\tworker\t{worker}\n")
        command = [self.program, "--queue", self.name, "--table", self.name + "_rows", "--limit", "4", "--batch", "3",
                   "--lease", str(LEASE), "--cookies", jar, *arguments]
        self.workers[worker] = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def end(self, worker, status):
        process = self.workers[worker]
        out, _ = process.communicate(timeout=PATIENCE)
        expect(f"{self.name}: {worker} ends with {status}, not {process.returncode}", process.returncode == status, out)
        return out

    def let_go(self):
        with self.server.changed:
            self.server.let_go = True
            self.server.changed.notify_all()

    def await_asked(self, count, worker=None):
        with self.server.changed:
            self.server.changed.wait_for(lambda: len([w for _, w, _ in self.server.asked if worker in (None, w)]) >= count,
                                         PATIENCE)

    def is_whole(self, count, dead=()):
        """Each page is stored once, and was fetched by one that lives."""
        expect(f"{self.name}: all are stored, once",
               sql(f"select count(*), count(distinct url) from {self.name}_rows where status = 200") == f"{count}|{count}",
               sql(f"select * from {self.name} where not done"))
        expect(f"{self.name}: all are done", sql(f"select count(*) from {self.name} where done") == str(count))
        by = collections.Counter((path, worker) for path, worker, _ in self.server.asked)
        living = collections.Counter(path for path, worker in by if worker not in dead)
        twice = [path for path, times in living.items() if times > 1] + [one for one, times in by.items() if times > 1]
        expect(f"{self.name}: nothing twice", not twice, twice)


def killed(program):
    with Crawl(program, "killed", quorum=8, held_up="25") as crawl:
        urls = [f"{crawl.url}/{i}" for i in range(160)]
        for i in range(8):
            crawl.start(str(i), *urls[i * 20:(i + 1) * 20])
        for worker in ("2", "5"):
            crawl.await_asked(4, worker)  # all that it has
            crawl.workers[worker].kill()
            crawl.workers[worker].wait()
        for worker in "013467":
            crawl.end(worker, 0)
        crawl.is_whole(160, dead="25")
        fetched = collections.Counter(worker for _, worker, _ in crawl.server.asked)
        expect("killed: all work", len(fetched) == 8, fetched)
        crawl.start("late")
        expect("killed: nothing is left", "harvest: 0 urls" in crawl.end("late", 0))


def stopped(program):
    """What one had that is stopped is there for others at once."""
    with Crawl(program, "stopped") as crawl:
        crawl.start("a", *[f"{crawl.url}/hang{i}" for i in range(4)])
        crawl.await_asked(4)
        crawl.workers["a"].send_signal(signal.SIGINT)
        crawl.end("a", 130)
        expect("stopped: all are free", sql("select count(*) from stopped where holder is null and not done") == "4")
        crawl.let_go()
        crawl.start("b")
        crawl.end("b", 0)
        crawl.is_whole(4, dead="a")


def suspended(program):
    """One that was not heard of for too long stops when it wakes, and stores nothing that others have."""
    with Crawl(program, "suspended") as crawl:
        crawl.start("a", *[f"{crawl.url}/hang{i}" for i in range(4)])
        crawl.await_asked(4)
        crawl.workers["a"].send_signal(signal.SIGSTOP)
        crawl.start("b")
        crawl.await_asked(4, "b")
        crawl.let_go()
        crawl.end("b", 0)
        crawl.workers["a"].send_signal(signal.SIGCONT)
        crawl.end("a", 2)
        crawl.is_whole(4, dead="a")


def paced(program):
    """The rate of a host is one for all."""
    with Crawl(program, "paced", quorum=3) as crawl:
        for i in range(3):
            crawl.start(str(i), "--rate", "40", *[f"{crawl.url}/{i}.{n}" for n in range(20)])
        for worker in "012":
            crawl.end(worker, 0)
        crawl.is_whole(60)
        times = sorted(at for _, _, at in crawl.server.asked)
        expect("paced: not too often", times[-1] - times[0] >= 59 / 40 - 0.1, times)


def no_database(program):
    with Crawl(program, "nowhere") as crawl:
        crawl.start("a", "-d", "postgresql://postgres@127.0.0.1:1/postgres", crawl.url)
        crawl.end("a", 2)
        crawl.start("b", "--follow", "1", crawl.url)
        crawl.end("b", 64)


def main():
    if "DATABASE_URL" not in os.environ:
        sys.exit(subprocess.call([sys.argv[1], "--", sys.executable, *sys.argv]))
    program = sys.argv[2]
    for part in (killed, stopped, suspended, paced, no_database):
        part(program)
    print(f"{harvest_check.passed} passed, {harvest_check.failed} failed")
    sys.exit(1 if harvest_check.failed else 0)


main()
