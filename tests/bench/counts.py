#!/usr/bin/env python3
"""Instructions, allocations and system calls of one operation of each kind: figures that do not wobble.

usage: counts.py [--check | --keep] COUNT_BENCH [KIND ...]      inside creche-test-servers, which names the servers

Each is the difference of two runs of different length, so that what a program costs once is left out.
"library" counts the instructions inside libcreche.so alone, "all" those of OpenSSL, libc and the program too.
Needs valgrind and strace; a column is empty where its tool is missing.

--keep writes the table to counts.json beside this file. --check compares with it, and fails if a path has
grown by more than 3 %; only what is inside the library counts, so that no update of another turns it red."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import callgrind

SHORT, LONG = 1000, 3000
LARGE = 10  # so many times fewer of those that move large bodies
GROWTH = 1.03
SLACK = 0.25  # blocks that are kept come once for many operations: less than one for each
TRIES = 6  # how many operations share a send depends on the server: the best of so many is compared
KEPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "counts.json")
DSN, HTTP, HTTPS, HTTP2 = (os.environ.get(name, "")
                           for name in ("DATABASE_URL", "HTTP_URL", "HTTPS_URL", "HTTP2_URL"))
KINDS = {
    "fetch, 1 connection": ["fetch", "1", f"{HTTP}/small"],
    "fetch, 100 connections": ["fetch", "100", f"{HTTP}/small"],
    "fetch by https, 10": ["fetch", "10", f"{HTTPS}/small", os.environ.get("CA_FILE", "")],
    "fetch 64 KiB, 10": ["fetch", "10", f"{HTTP}/middle"],
    "fetch 64 KiB by https, 10": ["fetch", "10", f"{HTTPS}/middle", os.environ.get("CA_FILE", "")],
    "fetch by HTTP/2, 100": ["fetch2", "100", f"{HTTP2}/small"],
    "read 64 KiB of a stream": ["read", "1", f"{HTTP}/big"],
    "read 64 KiB by https": ["read", "1", f"{HTTPS}/big", os.environ.get("CA_FILE", "")],
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
        output(["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", *command])
        by_object = callgrind.by_object(f"{folder}/out")
    library = sum(cost for name, cost in by_object.items() if "/libcreche.so" in name)
    return {"library": library, "all": sum(by_object.values())}


def allocations(command):
    return {"allocations": int(re.search(r"allocations (\d+)", output(command).stdout).group(1))}


def system_calls(command):
    """How often each was called; with a name that a library of ours calls on the way only."""
    with tempfile.NamedTemporaryFile("r") as file:
        output(["strace", "-f", "-c", "-o", file.name, *command])
        rows = re.findall(r"^ +[\d.]+ +[\d.]+ +\d+ +(\d+) +\d* *(\w+)$", file.read(), re.M)
    return {name: int(calls) for calls, name in rows if name != "total"}


def each(measure, program, kind, arguments, longer=1):
    """The difference of the two lengths, for one operation; so many times longer ones than usual."""
    large = any(part.endswith(("/middle", "/big")) for part in arguments)
    short, long = (n * longer // (LARGE if large else 1) for n in (SHORT, LONG))
    first, second = (measure([program, kind, str(n), *arguments]) for n in (short, long))
    costs = {name: (second[name] - first.get(name, 0)) / (long - short) for name in second}
    return {name: cost for name, cost in costs.items() if cost >= 0.005}


def build_of(program):
    """Compiler, kind of build and machine: those of another are no growth."""
    return output([program, "build"]).stdout.strip()


def available():
    """The kinds whose servers are here."""
    for name, (kind, *arguments) in KINDS.items():
        if len(arguments) > 1 and not arguments[1].startswith(("http", "post")):
            print(f"{name:26} skipped: no server")
            continue
        yield name, kind, arguments


def table(program, wanted):
    rows = {}
    print(f"{'':26}{'library':>10}{'all':>10}{'allocations':>13}  system calls")
    for name, kind, arguments in available():
        if wanted and not any(part in name for part in wanted):
            continue
        row = each(instructions, program, kind, arguments) if shutil.which("valgrind") else {}
        row.update(each(allocations, program, kind, arguments))
        # How many share a send wobbles, and is quickly counted.
        calls = each(system_calls, program, kind, arguments, longer=10) if shutil.which("strace") else {}
        shown = ", ".join(f"{call} {calls[call]:.2f}" for call in sorted(calls, key=lambda c: -calls[c]))
        print(f"{name:26}{row.get('library', 0):10.0f}{row.get('all', 0):10.0f}"
              f"{row.get('allocations', 0):13.2f}  {shown}", flush=True)
        rows[name] = {key: round(value, 2) for key, value in row.items()}
        rows[name]["system calls"] = shown
    return rows


def check(program):
    """Prints "N passed, N failed", or says why it cannot be told here and exits with 77."""
    with open(KEPT, encoding="utf-8") as file:
        kept = json.load(file)
    if kept["build"] != build_of(program) or not shutil.which("valgrind"):
        print(f"skipped: the counts that are kept are of {kept['build']}, by valgrind")
        sys.exit(77)
    passed = failed = 0
    for name, kind, arguments in available():
        before = kept["paths"].get(name)
        found = {}
        for _ in range(TRIES):
            now = each(instructions, program, kind, arguments)
            now.update(each(allocations, program, kind, arguments))
            found = {key: min(now.get(key, 0), found.get(key, now.get(key, 0))) for key in ("library", "allocations")}
            grown = [key for key in found if not before or found[key] > before.get(key, 0) * GROWTH + SLACK]
            if not grown:
                break
        passed, failed = passed + (not grown), failed + bool(grown)
        for key in grown:
            print(f"{name}: {found[key]:.2f} {'instructions' if key == 'library' else key} for each, "
                  f"{before[key] if before else 'none'} are kept in tests/bench/counts.json. "
                  f"If that is worth it: sh tests/bench/counts.sh --keep, and say why in the commit")
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0)


def main():
    arguments = sys.argv[1:]
    mode = arguments.pop(0) if arguments[0].startswith("--") else ""
    program, wanted = os.path.abspath(arguments[0]), arguments[1:]
    if DSN:
        output(["psql", "-q", "-v", "ON_ERROR_STOP=1", DSN, "-c", TABLE])
    if mode == "--check":
        check(program)
    rows = table(program, wanted)
    if mode == "--keep":
        kept = {"build": build_of(program), "paths": {}}
        if os.path.exists(KEPT):
            with open(KEPT, encoding="utf-8") as file:
                kept["paths"] = json.load(file)["paths"]
        kept["paths"].update(rows)
        with open(KEPT, "w", encoding="utf-8") as file:
            json.dump(kept, file, indent=2)
            file.write("\n")


main()
