"""Runs the benchmarks: ours and each peer alternate in one run, the median of each counts. Clients run
on one core, servers on the other (run.sh sees to that). CPU time and peak memory are the kernel's, of
the whole client process. Ratio > 1 means that ours is better."""

import argparse
import json
import os
import re
import resource
import statistics
import subprocess
import sys

import structured
from clients import Clients

HTTP_CONNECTIONS = 100
PG_CONNECTIONS = 10
PG_CONCURRENCY = 100

# What the design asks for beside the peers: (benchmark, peer) to the least ratio. The budgets of the
# structured core have rows of their own (structured.py); those are met from a ratio of 1.
WANTED = {
    ("http_keepalive_cpu", "wrk"): 1 / 1.1,
    ("http_keepalive_cpu", "hyper"): 1 / 0.85,
    ("https_keepalive_cpu", "wrk"): 1 / 1.1,
    ("http_one_at_a_time_p50", "libcurl multi"): 1 / 1.05,
    ("http_one_at_a_time_p50", "hyper"): 1 / 1.05,
    ("http_one_at_a_time_busy_poll_p50", "libcurl multi"): 2.0,
    ("http_one_at_a_time_busy_poll_p50", "hyper"): 2.0,
    ("http_64k_cpu", "hyper"): 1.0,
    ("http_64k_cpu", "libcurl multi"): 1.0,
    ("https_64k_cpu", "libcurl multi"): 1.0,
    ("pg_held_cpu", "libpq loop"): 1 / 1.05,
    ("pg_held_cpu", "tokio-postgres"): 1.0,
    ("pg_pool_rate", "tokio-postgres"): 1.0,
    ("pg_pool_cpu", "tokio-postgres"): 1 / 0.85,
    ("pg_pool_rate", "pgbench -M prepared"): 1.6,
    ("pg_pool_rate", "pgxpool"): 1.7,
    ("pg_pool_rate", "asyncpg on uvloop"): 3.5,
    ("pg_copy_rate", "asyncpg on uvloop"): 1.0,
    ("pg_stream_rate", "libpq loop"): 1.0,
    ("pg_stream_rate", "tokio-postgres"): 1.0,
    ("pg_stream_cpu", "tokio-postgres"): 1 / 0.6,
}


class Run:
    """One run of a client: what it did, in which time, and what that cost."""

    def __init__(self, command):
        self.command = command
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        text = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: exit status {process.returncode}\n{text}")
        self.text = text
        self.cpu = usage.ru_utime + usage.ru_stime
        peak = re.search(r"peak_kib (\d+)", text)
        self.rss = int(peak[1]) / 1024 if peak else 0
        self.p50, self.p99 = (self.percentile(p) for p in (50, 99))
        self.done, self.seconds = self.read()

    def percentile(self, part):
        """How long so many of a hundred took, of one at a time; 0: it does not say."""
        found = re.search(rf"p{part}_us ([\d.]+)", self.text)
        return float(found[1]) if found else 0

    def read(self):
        for pattern in (
            r"done (\d+) seconds ([\d.]+)",  # our programs
            r"(\d+) requests in ([\d.]+)s",  # wrk
        ):
            if match := re.search(pattern, self.text):
                return int(match[1]), float(match[2])
        done = re.search(r"actually processed: (\d+)", self.text)  # pgbench
        tps = re.search(r"tps = ([\d.]+)", self.text)
        return int(done[1]), int(done[1]) / float(tps[1])

    @property
    def rate(self):
        return self.done / self.seconds

    @property
    def cpu_us(self):
        return self.cpu / max(1, self.done) * 1e6


class Bench:
    def __init__(self, options):
        self.options = options
        self.rows = []
        self.skipped = []
        self.clients = Clients(options.build, options.peers, self.skip)

    def skip(self, what, reason):
        self.skipped.append(f"skipped: {what}: {reason}")
        self.progress(f"  {self.skipped[-1]}")

    def progress(self, text):
        print(text, file=sys.stderr, flush=True)

    def alternate(self, commands):
        """The runs of each command, round by round."""
        runs = {name: [] for name in commands}
        for round_number in range(self.options.rounds):
            for name, command in commands.items():
                self.progress(f"  round {round_number + 1}/{self.options.rounds}: {name}")
                runs[name].append(Run(command))
        return runs

    def compare(self, name, unit, runs, value, more_is_better):
        ours = statistics.median(value(run) for run in runs["creche"])
        for peer in runs:
            if peer == "creche":
                continue
            if not all(run.done for run in runs[peer]):
                self.skip(f"{name}, {peer}", "it did nothing in the time that it had")
                continue
            theirs = statistics.median(value(run) for run in runs[peer])
            self.add(name, unit, ours, peer, theirs, more_is_better)

    def add(self, name, unit, ours, peer, theirs, more_is_better):
        ratio = ours / theirs if more_is_better else theirs / ours
        row = {"name": name, "unit": unit, "ours": round(ours, 2), "peer_name": peer,
               "peer": round(theirs, 2), "ratio": round(ratio, 2)}
        self.rows.append(row)

    # ---- the benchmarks ----

    def http(self, kind="http_keepalive", path="/small", connections=HTTP_CONNECTIONS, ca=None):
        url = os.environ["HTTPS_URL" if ca else "HTTP_URL"] + path
        runs = self.alternate(self.clients.http(url, connections, self.options.seconds, ca))
        self.compare(f"{kind}_rate", "requests/s", runs, lambda r: r.rate, True)
        self.compare(f"{kind}_cpu", "us/request", runs, lambda r: r.cpu_us, False)
        return runs

    def https(self):
        self.http("https_keepalive", ca=os.environ["CA_FILE"])

    def http_one(self):
        kind = "http_one_at_a_time"
        runs = self.http(kind, connections=1)
        timed = {name: of_it for name, of_it in runs.items() if of_it[0].p50}
        self.compare(f"{kind}_p50", "us", timed, lambda r: r.p50, False)
        self.compare(f"{kind}_p99", "us", timed, lambda r: r.p99, False)
        os.environ["BUSY_POLL_US"] = "50"
        self.progress("  with busy_poll")
        timed["creche"] = self.alternate({"creche": runs["creche"][0].command})["creche"]
        del os.environ["BUSY_POLL_US"]
        self.compare(f"{kind}_busy_poll_p50", "us", timed, lambda r: r.p50, False)

    def http_64k(self):
        self.http("http_64k", "/middle")

    def https_64k(self):
        self.http("https_64k", "/middle", ca=os.environ["CA_FILE"])

    def pg_setup(self):
        dsn = os.environ["DATABASE_URL"]
        sql = ("drop table if exists bench; create table bench (id int primary key, value text); "
               "insert into bench select i, 'value ' || i from generate_series(1, 100000) i; "
               "vacuum analyze bench")
        for statement in sql.split("; "):
            subprocess.run(["psql", "-q", "-X", dsn, "-c", statement], check=True,
                           stderr=subprocess.DEVNULL)
        return dsn

    def pg_mode(self, mode):
        dsn = self.pg_setup()
        amount = self.options.seconds
        if mode == "stream":
            amount = 200000 if self.options.quick else 1000000
        runs = self.alternate(self.clients.pg(mode, dsn, amount, PG_CONNECTIONS, PG_CONCURRENCY))
        what = "rows/s" if mode == "stream" else "queries/s"
        each = "us/row" if mode == "stream" else "us/query"
        self.compare(f"pg_{mode}_rate", what, runs, lambda r: r.rate, True)
        self.compare(f"pg_{mode}_cpu", each, runs, lambda r: r.cpu_us, False)
        if mode == "stream":
            self.compare("pg_stream_peak_rss", "MiB", runs, lambda r: r.rss, False)

    def pg_held(self):
        self.pg_mode("held")

    def pg_pool(self):
        self.pg_mode("pool")

    def pg_stream(self):
        self.pg_mode("stream")

    def pg_copy(self):
        rows = 200000 if self.options.quick else 1000000
        runs = self.alternate(self.clients.pg_copy(os.environ["DATABASE_URL"], rows))
        self.compare("pg_copy_rate", "rows/s", runs, lambda r: r.rate, True)
        self.compare("pg_copy_cpu", "us/row", runs, lambda r: r.cpu_us, False)

    def budget(self, row):
        """The least ratio, and whether it is reached; of a row without a budget nothing."""
        least = 1.0 if row["peer_name"] == "budget" else WANTED.get((row["name"], row["peer_name"]))
        if least is None:
            return "", ""
        return f">= {least:.2f}", "met" if row["ratio"] >= round(least, 2) else "not met"

    def table(self):
        lines = [("name", "unit", "ours", "peer", "theirs", "ratio", "wanted", "")]
        lines += [(r["name"], r["unit"], f"{r['ours']:,}", r["peer_name"], f"{r['peer']:,}",
                   f"{r['ratio']:.2f}", *self.budget(r)) for r in self.rows]
        widths = [max(len(line[i]) for line in lines) for i in range(8)]
        for line in lines:
            print("  ".join(cell.rjust(width) if i in (2, 4, 5, 6) else cell.ljust(width)
                            for i, (cell, width) in enumerate(zip(line, widths))).rstrip())
        for line in self.skipped:
            print(line)


def main():
    names = ["core", "http", "https", "http_one", "http_64k", "https_64k", "pg_held", "pg_pool", "pg_stream",
             "pg_copy"]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True, help="the build folder")
    parser.add_argument("--peers", default="", help="folder of the Rust peers' programs")
    parser.add_argument("--quick", action="store_true", help="short runs")
    parser.add_argument("--only", choices=names + list(structured.SECTIONS), action="append",
                        help="just this one (a section of the core too); may be given again")
    parser.add_argument("--from", dest="origin", default=".", help="where FILE is looked for")
    parser.add_argument("--bound", type=float, help="seconds for the core and its peers together "
                        "(150 with --quick, else 600)")
    parser.add_argument("--json", metavar="FILE", help="file for the results")
    options = parser.parse_args()
    options.rounds = 3 if options.quick else 5
    options.seconds = 1 if options.quick else 4
    options.bound = options.bound or (150 if options.quick else 600)
    only = options.only or names
    sections = [s for s in structured.SECTIONS if s in only or "core" in only]
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    bench = Bench(options)
    if sections:
        bench.progress("core")
        structured.Structured(bench, sections).run()
    for name in names[1:]:
        if name in only:
            bench.progress(name)
            getattr(bench, name)()
    bench.table()
    if options.json:
        with open(os.path.join(options.origin, options.json), "w", encoding="utf-8") as file:
            json.dump(bench.rows, file, indent=2)
            file.write("\n")


main()
