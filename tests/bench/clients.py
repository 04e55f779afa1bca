"""Which programs do the same work: ours and its peers, by benchmark. A peer that is not on this machine is
left out, and said to be."""

import os
import shutil

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON_PEERS = {"aiohttp": ["aiohttp"], "aiohttp on uvloop": ["aiohttp", "uvloop"],
                "asyncpg on uvloop": ["asyncpg", "uvloop"], "psycopg 3 on uvloop": ["psycopg", "uvloop"]}


class Clients:
    def __init__(self, build, rust_peers, skip):
        """skip: is told of who is missing, and why."""
        self.build, self.rust_peers, self.skip = build, rust_peers, skip
        self.told = set()

    def ours(self, name):
        return os.path.join(self.build, "tests", "bench", name)

    def rust(self, name):
        return os.path.join(self.rust_peers, name) if self.rust_peers else ""

    def go(self, name):
        return os.path.join(self.build, "go_peers", name)

    def python(self, script):
        return [os.path.join(self.build, "venv", "bin", "python"), os.path.join(HERE, "peers", script)]

    def those_here(self, commands):
        """Of (name, command) those that can be run."""
        found = {}
        for name, command in commands:
            missing = self.missing(name, command)
            if not missing:
                found[name] = command
            elif name not in self.told:
                self.told.add(name)
                self.skip(name, missing)
        return found

    def missing(self, name, command):
        program = command[0]
        if not (os.path.exists(program) if os.sep in program else shutil.which(program)):
            return f"{os.path.basename(program) or program} could not be built or is not installed"
        packages = os.path.join(self.build, "venv", "lib")
        for module in PYTHON_PEERS.get(name, []):
            versions = os.listdir(packages) if os.path.isdir(packages) else []
            if not any(os.path.isdir(os.path.join(packages, v, "site-packages", module)) for v in versions):
                return f"{module} could not be installed"
        return None

    def http(self, url, connections, seconds, ca):
        tail = [url, str(connections), str(seconds)] + ([ca] if ca else [])
        peers = [
            ("creche", [self.ours("http_bench")] + tail),
            ("wrk", ["wrk", "-t1", f"-c{connections}", f"-d{seconds}", url]),
            ("libcurl multi", [self.ours("curl_bench")] + tail),
            ("reqwest", [self.rust("reqwest_bench")] + tail),
            ("Go net/http", [self.go("net_http")] + tail),
            ("aiohttp", self.python("aiohttp_bench.py") + ["asyncio"] + tail),
            ("aiohttp on uvloop", self.python("aiohttp_bench.py") + ["uvloop"] + tail),
        ]
        if not ca:
            peers.insert(3, ("hyper", [self.rust("hyper_bench")] + tail))
        return self.those_here(peers)

    def pg(self, mode, dsn, amount, connections, concurrency):
        tail = [mode, dsn, str(amount), str(connections), str(concurrency)]
        peers = [("creche", [self.ours("pg_bench")] + tail)]
        if mode != "stream":
            peers.append(("pgbench -M prepared", self.pgbench(dsn, amount, connections)))
        if mode != "pool":
            peers.append(("libpq loop", [self.ours("libpq_bench")] + tail))
        peers.append(("tokio-postgres", [self.rust("tokio_pg_bench")] + tail))
        if mode != "stream":
            peers.append(("pgx" if mode == "held" else "pgxpool", [self.go("pgx")] + tail))
            peers.append(("asyncpg on uvloop", self.python("asyncpg_bench.py") + tail))
        if mode == "held":
            peers.append(("psycopg 3 on uvloop", self.python("psycopg_bench.py") + tail))
        return self.those_here(peers)

    def pg_copy(self, dsn, rows):
        tail = [dsn, str(rows)]
        return self.those_here([
            ("creche", [self.ours("pg_copy_bench"), "copy"] + tail),
            ("creche, as text", [self.ours("pg_copy_bench"), "copy_text"] + tail),
            ("asyncpg on uvloop", self.python("asyncpg_copy_bench.py") + ["copy"] + tail),
        ])

    def pgbench(self, dsn, seconds, connections):
        return ["pgbench", "-n", "-M", "prepared", "-f", os.path.join(HERE, "by_key.sql"), "-j", "1", "-c",
                str(connections), "-T", str(max(1, int(seconds))), dsn]
