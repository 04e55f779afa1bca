#!/usr/bin/env python3
"""Instructions, allocations and system calls of one operation of each kind: figures that do not wobble.

usage: counts.py COUNT_BENCH [KIND ...]      inside creche-test-servers, which names the servers

Each is the difference of two runs of different length, so that what a program costs once is left out.
Needs valgrind and strace; a column is empty where its tool is missing."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

SHORT, LONG = 2000, 6000
DSN, HTTP, HTTPS = (os.environ.get(name, "") for name in ("DATABASE_URL", "HTTP_URL", "HTTPS_URL"))
KINDS = {
    "fetch, 1 connection": ["fetch", "1", f"{HTTP}/small"],
    "fetch, 100 connections": ["fetch", "100", f"{HTTP}/small"],
    "fetch by https, 10": ["fetch", "10", f"{HTTPS}/small", os.environ.get("CA_FILE", "")],
    "query, held, 10": ["held", "10", DSN],
    "query, pool, 100": ["pool", "100", DSN],
    "spawn + join, 100": ["spawn", "100"],
    "scope": ["scope", "1"],
}
TABLE = """drop table if exists bench; create table bench (id int primary key, value text);
insert into bench select i, md5(i::text) from generate_series(1, 1000) i; analyze bench"""


def output(command):
    return subprocess.run(command, check=True, text=True, capture_output=True)


def instructions(command):
    with tempfile.TemporaryDirectory() as folder:
        found = output(["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", *command])
    return int(re.search(r"Collected : (\d+)", found.stderr).group(1))


def allocations(command):
    return int(re.search(r"allocations (\d+)", output(command).stdout).group(1))


def system_calls(command):
    """How often each was called; with a name that a library of ours calls on the way only."""
    with tempfile.NamedTemporaryFile("r") as file:
        output(["strace", "-f", "-c", "-o", file.name, *command])
        rows = re.findall(r"^ +[\d.]+ +[\d.]+ +\d+ +(\d+) +\d* *(\w+)$", file.read(), re.M)
    return {name: int(calls) for calls, name in rows if name != "total"}


def each(measure, program, kind, arguments):
    """The difference of the two lengths, for one operation."""
    first, second = (measure([program, kind, str(n), *arguments]) for n in (SHORT, LONG))
    if isinstance(second, dict):
        names = sorted(second, key=lambda name: -second[name])
        costs = {name: (second[name] - first.get(name, 0)) / (LONG - SHORT) for name in names}
        return ", ".join(f"{name} {cost:.2f}" for name, cost in costs.items() if cost >= 0.005)
    return (second - first) / (LONG - SHORT)


def main():
    program, wanted = os.path.abspath(sys.argv[1]), sys.argv[2:]
    if DSN:
        output(["psql", "-q", "-v", "ON_ERROR_STOP=1", DSN, "-c", TABLE])
    print(f"{'':24}{'instructions':>13}{'allocations':>13}  system calls")
    for name, (kind, *arguments) in KINDS.items():
        if wanted and not any(part in name for part in wanted):
            continue
        if len(arguments) > 1 and not arguments[1].startswith(("http", "post")):
            print(f"{name:24} skipped: no server")
            continue
        counts = [f"{each(instructions, program, kind, arguments):13.0f}" if shutil.which("valgrind") else " " * 13,
                  f"{each(allocations, program, kind, arguments):13.2f}",
                  each(system_calls, program, kind, arguments) if shutil.which("strace") else ""]
        print(f"{name:24}{counts[0]}{counts[1]}  {counts[2]}", flush=True)


main()
