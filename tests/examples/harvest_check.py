#!/usr/bin/env python3
"""Runs harvest as a user would, against real servers, and looks at what it prints and stores.

Usage: harvest_check.py <creche-test-servers> <example_harvest>"""
import http.server
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

PATIENCE = 120
PAGES = {
    "plain.html": b"<html><head><title>Plain</title></head><body>x</body></html>",
    "odd name %41+&?.html": b"<TITLE lang=en>\n  Odd &amp; &lt;name&gt; &#x263A;  \n</TITLE>",
    "weird.html": b"<title>a\x00b \x1b[31mred\x07 \xff\xfe caf\xc3\xa9 \"q\" \\ {x,NULL} &bogus;</title>",
    "none.html": b"<html><titlepage>not a title</titlepage></html>",
    "text.txt": b"<title>not html</title>",
    "empty": b"",
    "large.bin": bytes(3 << 20),
}
passed = failed = 0


def expect(what, good, output=""):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    if not good:
        print(f"failed: {what}\n{output}")


def run(program, *arguments, status=0, text=None, env=None):
    done = subprocess.run([program, *arguments], input=text,
                          capture_output=True, text=True, timeout=PATIENCE,
                          env={**os.environ, **(env or {})})
    output = done.stdout + done.stderr
    expect(f"harvest: ends with {status}, not {done.returncode}", done.returncode == status, output)
    return done.stdout, output


def sql(statement):
    """Through psql, so that the library's word is not taken for it."""
    return subprocess.run(["psql", "-XAtq", "-F", "|", "-d", os.environ["DATABASE_URL"], "-c",
                           statement], capture_output=True, text=True).stdout.strip()


def summary(out):
    last = out.splitlines()[-1] if out else ""
    found = re.fullmatch(
        r"harvest: (\d+) urls, (\d+) ok, (\d+) failed, (\d+) rows stored, [\d.]+ s", last)
    return tuple(map(int, found.groups())) if found else last


def harvest_stores(program, http, https):
    trust = ["--ca", os.environ["CA_FILE"]]
    names = ["plain.html", "odd%20name%20%2541%2B%26%3F.html", "weird.html", "none.html",
             "text.txt", "empty"]
    urls = [f"{server}/{name}" for server in (http, https) for name in names] * 2
    text = "# comment\n\n" + "\r\n".join(urls) + "\n"
    for _ in range(2):  # again, into the table that is there now
        out, output = run(program, "-f", "-", "--table", 'odd "name', "--batch", "5",
                          *trust, text=text)
        expect("harvest: all", summary(out) == (24, 24, 0, 24), output)
        expect("harvest: shows a report", "slowest:" in out and "largest:" in out and "#" in out,
               output)
    expect("harvest: rows of both runs",
           sql('select count(*), count(distinct run) from "odd ""name"') == "48|2")
    titles = sql('select distinct title from "odd ""name" where title is not null order by 1')
    expect("harvest: titles", sorted(titles.splitlines()) == sorted(
        ["Plain", "Odd & <name> \u263a",
         "a b [31mred \ufffd\ufffd caf\u00e9 \"q\" \\ {x,NULL} &bogus;"]), titles)
    expect("harvest: sizes and types", sql(
        'select distinct size, content_type from "odd ""name" where url like \'%/plain.html\'') ==
        f"{len(PAGES['plain.html'])}|text/html")


def harvest_fails(program, http):
    bad = [http + "/nowhere", "http://127.0.0.1:1/", "http://no.such.name.invalid/", "nonsense",
           "http://[::1", os.environ["EXPIRED_URL"], http + "/large.bin", "\x01\xff".encode(
               "utf-8", "replace").decode(), http + "/a b"]
    out, output = run(program, "--max-body", "1000000", http + "/small", *bad, status=1)
    expect("harvest: failures are stored, too", summary(out) == (10, 1, 9, 10), output)
    kinds = sql("select distinct split_part(error, ':', 1) from harvest where error is not null")
    expect("harvest: kinds of failures", {
        "HTTP 404", "CRECHE_E_CONNECT", "CRECHE_E_DNS", "CRECHE_E_URL", "CRECHE_E_TLS_VERIFY",
        "CRECHE_E_LIMIT"} <= set(kinds.splitlines()), kinds)
    out, output = run(program, *bad[:3], status=2)
    expect("harvest: none", summary(out) == (3, 0, 3, 3), output)
    out, output = run(program, http + "/small", status=2,
                      env={"DATABASE_URL": "postgresql://postgres@127.0.0.1:1/postgres"})
    expect("harvest: no database", summary(out) == (1, 0, 1, 0) and "not stored: 1" in out, output)
    for arguments in ([], ["--limit", "0", "x:"], ["--limit", "many", "x:"], ["-f", "/nowhere"],
                      ["--unknown"]):
        run(program, *arguments, status=64)


def harvest_is_stopped(program, http):
    # Connections are accepted by the kernel, and nobody ever answers.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hanging = "http://127.0.0.1:%d/" % silent.getsockname()[1]
        urls = [http + "/small"] * 30 + [hanging + str(i) for i in range(20)]
        out, output = run(program, "--timeout", "2", *urls, status=1)
        expect("harvest: timeouts are failures", summary(out) == (50, 30, 20, 50), output)
        out, output = run(program, "--deadline", "3", *urls, status=3)
        expect("harvest: deadline", summary(out) == (50, 30, 20, 30), output)
        expect("harvest: says what is missing", "stored: 30 of 50; not stored: 20" in out and
               "(the deadline has passed)" in out and hanging in out, output)

        process = subprocess.Popen([program, "--limit", "40", *urls], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for line in process.stderr:  # all that answer have answered
            if line.startswith("30/50 done"):
                break
        process.send_signal(signal.SIGINT)
        out, rest = process.communicate(timeout=PATIENCE)
        expect("harvest: Ctrl-C", process.returncode == 130 and summary(out) == (50, 30, 20, 30) and
               "(interrupted)" in out, out + rest)


class Lock:
    """Nobody can write to the table meanwhile."""
    def __enter__(self):
        self.psql = subprocess.Popen(["psql", "-XAtq", "-d", os.environ["DATABASE_URL"]],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.say("begin; lock table harvest; select 'locked';")
        self.psql.stdout.readline()
        return self

    def say(self, statement):
        self.psql.stdin.write(statement + "\n")
        self.psql.stdin.flush()

    def __exit__(self, *_):
        self.psql.communicate("commit;\n")


def await_sql(statement, wanted):
    end = time.monotonic() + PATIENCE
    while sql(statement) != wanted and time.monotonic() < end:
        time.sleep(0.02)


WAITING = ("select count(*) from pg_stat_activity where application_name = 'harvest'"
           " and wait_event_type = 'Lock'")


def harvest_waits_for_the_database(program, http):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hanging = "http://127.0.0.1:%d/" % silent.getsockname()[1]
        urls = [http + "/small"] * 30 + [hanging + str(i) for i in range(20)]
        with Lock():
            process = subprocess.Popen([program, "--batch", "10", *urls], stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, text=True)
            await_sql(WAITING, "3")
            process.send_signal(signal.SIGTERM)  # stops the fetches, not the rows on their way
            for line in process.stderr:
                if line.startswith("50/50 done"):
                    break
        out, rest = process.communicate(timeout=PATIENCE)
        expect("harvest: stores what it has in spite of SIGTERM",
               process.returncode == 143 and summary(out) == (50, 30, 20, 30), out + rest)

    with Lock():
        process = subprocess.Popen([program, "--batch", "10", *[http + "/small"] * 30],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        await_sql(WAITING, "3")
        broken = sql("select string_agg(pid::text, ',') from (select pid, pg_terminate_backend(pid)"
                     " from pg_stat_activity where application_name = 'harvest') s")
        await_sql(f"{WAITING} and pid not in ({broken})", "3")
    out, rest = process.communicate(timeout=PATIENCE)
    expect("harvest: outlives broken connections",
           process.returncode == 0 and summary(out) == (30, 30, 0, 30), out + rest)


class Host(http.server.BaseHTTPRequestHandler):
    """Refuses each path once, sets a cookie, and notes when it was asked."""
    protocol_version = "HTTP/1.1"
    seen = []

    def do_GET(self):
        first = self.path not in [path for path, _, _ in Host.seen]
        Host.seen.append((self.path, self.headers.get("Cookie"), time.monotonic()))
        self.send_response(503 if first else 200)
        self.send_header("Set-Cookie", "a=b; Max-Age=1000")
        self.send_header("Retry-After", "0")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def harvest_is_polite(program):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Host)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = "http://localhost:%d/" % server.server_address[1]
    with tempfile.TemporaryDirectory() as folder:
        cookies = os.path.join(folder, "cookies")
        out, output = run(program, "--rate", "20", "--retries", "2", "--per-host", "1", "--cookies",
                          cookies, *[url + str(i) for i in range(4)])
        expect("harvest: tries again", summary(out) == (4, 4, 0, 4) and len(Host.seen) == 8, output)
        times = [at for _, _, at in Host.seen]
        expect("harvest: not too often", times[-1] - times[0] >= 7 * 0.05 - 0.04, times)
        with open(cookies) as file:
            expect("harvest: keeps cookies", "localhost" in file.read(), output)
        Host.seen = [("/0", None, 0)]
        run(program, "--cookies", cookies, url + "0")
        expect("harvest: sends them again", Host.seen[-1][1] == "a=b", Host.seen)
        out, output = run(program, "--retries", "2", "--proxy", url,
                          "http://no.such.name.invalid/0")
        expect("harvest: by a proxy", summary(out)[1] == 1 and
               Host.seen[-1][0] == "http://no.such.name.invalid/0", output)
    server.shutdown()


def main():
    if "HTTP_URL" not in os.environ:
        with tempfile.TemporaryDirectory(prefix="creche-examples-") as root:
            for name, body in PAGES.items():
                with open(os.path.join(root, name), "wb") as file:
                    file.write(body)
            sys.exit(subprocess.call([sys.argv[1], "--root", root, "--", sys.executable, *sys.argv]))
    program, plain, https = sys.argv[2], os.environ["HTTP_URL"], os.environ["HTTPS_URL"]
    harvest_stores(program, plain, https)
    harvest_fails(program, plain)
    harvest_is_stopped(program, plain)
    harvest_waits_for_the_database(program, plain)
    harvest_is_polite(program)
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
