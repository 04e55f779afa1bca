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


class Site(http.server.BaseHTTPRequestHandler):
    """Answers what `pages` has, and counts. A page: a body, or (status, {header: value}, body)."""
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.asked.append((self.path, time.monotonic()))
        page = self.server.pages.get(self.path, (404, {}, ""))
        status, headers, body = page if isinstance(page, tuple) else (200, {}, page)
        body = body if isinstance(body, bytes) else body.encode()
        self.send_response(status)
        for name, value in {"Content-Type": "text/html; charset=utf-8", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class site:
    """A server of these pages; "{other}" in them is the URL of another one."""
    def __init__(self, pages, other=""):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]

        def filled(text):
            return text.replace("{here}", self.url).replace("{other}", other)
        self.server.pages = {path: filled(page) if isinstance(page, str) else page for path, page in pages.items()}
        self.server.asked = []

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def asked(self):
        """Sorted, robots.txt left out, each as often as it was asked for."""
        return sorted(path for path, _ in self.server.asked if path != "/robots.txt")

    def robots(self):
        return sum(path == "/robots.txt" for path, _ in self.server.asked)


def crawls(what, program, pages, wanted, *arguments, status=0, start="/"):
    """What was asked for, each once, and robots.txt once."""
    with site(pages) as here:
        out, output = run(program, *arguments, here.url + start, status=status)
        expect(f"harvest: {what}", here.asked() == sorted(wanted) and here.robots() == 1,
               f"{here.asked()}\n{here.robots()} times robots.txt\n{output}")
        return here.server.asked, out, output


def links(*references):
    return "".join(f'<a href="{r}">x</a>' for r in references)


def harvest_follows(program):
    chain = {"/": links("/1"), "/1": links("/2", "/"), "/2": links("/3"), "/3": ""}
    for depth in range(4):
        wanted = ["/", "/1", "/2", "/3"][:depth + 1]
        crawls(f"{depth} links deep", program, chain, wanted, "--follow", str(depth))
    out, output = run(program, "--follow", "x", "http://x/", status=64)

    # Which links there are in a page.
    crawls("attributes", program, {"/dir/": """
        <a href=plain> <A HREF = '/single'> <a class=x href="/double"id=y>
        <area href=/area /> <iframe src=/iframe></iframe> <a href=/first href=/second>
        <a data-href="/data" title='<a href="/quoted">'> <a href="  /bl
ank  "> <a href>
        <a name="/name"> <abbr href=/abbr> <img src=/img> <a/href=/slash><a href="/last" href='/bad'>
        """}, ["/dir/", "/dir/plain", "/single", "/double", "/area", "/iframe", "/first", "/blank", "/slash",
               "/last"],
        "--follow", "1", start="/dir/", status=1)
    crawls("what is no markup", program, {"/": """<title><a href=/title></title>
        <!-- <a href=/comment> --> <!--> <a href=/after> <!-- --!> <a href=/bang> <script>"<a href=/script>"
        </scripty><a href=/scripty></SCRIPT ><a href=/behind> <style><a href=/style></style>
        <textarea><a href=/textarea></textarea> <!DOCTYPE "<a href=/doctype> <?x <a href=/pi> 1 < 2 <3
        </a href=/end> <a href="/open>"""}, ["/", "/after", "/bang", "/behind"], "--follow", "1", status=1)
    crawls("character references", program, {"/": links("/?a=1&amp;b=2", "/?copy=1&copy=2", "/&#x41;&#66;", "/caf\u00e9",
                                                       "&#47;slash", "/&unknown;", "/&amp;amp;")},
           ["/", "/?a=1&b=2", "/?copy=1&copy=2", "/AB", "/caf%C3%A9", "/slash", "/&unknown;", "/&amp;"],
           "--follow", "1", status=1)
    crawls("an old character set", program,
           {"/": (200, {"Content-Type": "text/html; charset=ISO-8859-1"}, b"<a href='/caf\xe9'>")},
           ["/", "/caf%C3%A9"], "--follow", "1", status=1)
    crawls("base", program, {"/": "<a href=a><base target=x><base href='/b/c/'><base href=/no/><a href='../d'>"},
           ["/", "/b/c/a", "/b/d"], "--follow", "1", status=1)
    crawls("nofollow", program, {"/": '<a rel="x nofollow" href=/a><a href=/b>', "/b": '<meta name=robots content="noindex, NOFOLLOW">'
                                 + links("/c")}, ["/", "/b"], "--follow", "9")
    crawls("each once", program, {"/": links("#top", "/", "/a", "/a#x", "/a", "./a", "{here}/a",
                                             "mailto:a@b", "javascript:x()", "", "http://u:p@127.0.0.1/", "//"),
                                  "/a": links("/")}, ["/", "/a"], "--follow", "9")
    with site({"/": links("/elsewhere")}) as other, \
            site({"/": links("{other}/elsewhere", "/own"), "/own": ""}, other.url) as here:
        out, output = run(program, "--follow", "3", here.url + "/", here.url + "/#again")
        expect("harvest: not another site", here.asked() == ["/", "/own"] and not other.server.asked
               and summary(out) == (2, 2, 0, 2), output)
    crawls("at the most", program, {"/": links(*map(str, range(50))), **{f"/{i}": "" for i in range(50)}},
           ["/"] + [f"/{i}" for i in range(9)], "--follow", "1", "--max-pages", "10")

    # Redirects are links: of the same site, as robots.txt allows, but that of the user's own URL.
    moved = {"/": links("/a", "/b", "/away"), "/a": (301, {"Location": "/c"}, ""), "/b": (302, {"Location": "/secret"}, ""),
             "/away": (302, {"Location": "http://127.0.0.1:1/"}, ""), "/c": (302, {"Location": "/a"}, ""),
             "/robots.txt": "User-agent: *\nDisallow: /secret"}
    _, out, output = crawls("redirects", program, moved, ["/", "/a", "/b", "/c", "/away"], "--follow", "1", status=1)
    expect("harvest: what is disallowed is told", "robots.txt disallows it" in out and summary(out) == (6, 5, 1, 6), output)
    with site({"/": links("/x"), "/x": ""}) as other, site({"/": (301, {"Location": other.url + "/"}, "")}) as here:
        out, output = run(program, "--follow", "1", here.url)
        expect("harvest: the site that was meant", here.asked() == ["/"] and other.asked() == ["/", "/x"], output)


def harvest_reads_sitemaps(program):
    xml = {"Content-Type": "application/xml"}
    pages = {"/": "", "/robots.txt": "Sitemap: {here}/index.xml\nSITEMAP : {here}/index.xml",
             "/index.xml": None, "/more.xml": None, "/a": links("/deeper"), "/b&c": "", "/d": ""}
    with site({path: page for path, page in pages.items() if page is not None}) as here:
        at = here.url
        here.server.pages["/index.xml"] = (200, xml, f"<?xml version='1.0'?><!-- <loc>{at}/no</loc> --><sitemapindex><sitemap><loc>"
                                           f" {at}/more.xml\n</loc></sitemap></sitemapindex>")
        here.server.pages["/more.xml"] = (200, xml, f"<urlset xmlns='x'><url><loc>{at}/a</loc></url><url><loc>{at}/b&amp;c</loc>"
                                          f"<lastmod>2026</lastmod></url><url><loc><![CDATA[{at}/d]]></loc></url>"
                                          "<url><loc>http://127.0.0.1:1/other</loc></url></urlset>")
        out, output = run(program, "--follow", "1", at)
        expect("harvest: sitemaps", here.asked() == ["/", "/a", "/b&c", "/d", "/index.xml", "/more.xml"], f"{here.asked()} {output}")


ROBOTS = [  # robots.txt, what it allows, what not: RFC 9309, 2.2 and 5
    ("", ["/"], []),
    ("User-agent: *\nDisallow: /", [], ["/", "/a"]),
    ("User-agent: *\nDisallow:", ["/", "/a"], []),
    ("User-Agent: HARVEST\nDisallow: /a\n\nUser-agent: *\nDisallow: /b", ["/b"], ["/a", "/a/b", "/ab"]),
    ("User-agent: harvester\nDisallow: /a\nUser-agent: harvest/2.0 (x)\nDisallow: /b", ["/a"], ["/b"]),
    ("user-agent: one\nuser-agent: harvest\ndisallow: /a\n\nuser-agent: harvest\ndisallow: /b", ["/c"], ["/a", "/b"]),
    ("User-agent: *\nAllow: /p\nDisallow: /", ["/page", "/p"], ["/q", "/"]),
    ("User-agent: *\nAllow: /folder\nDisallow: /folder", ["/folder/x"], []),
    ("User-agent: *\nAllow: /page\nDisallow: /*.htm", ["/pag"], ["/page.htm"]),
    ("User-agent: *\nAllow: /$\nDisallow: /", ["/"], ["/page.htm", "/?x"]),
    ("User-agent: *\nDisallow: /*.gif$\nDisallow: /a*b*c", ["/x.gif?y", "/ab"], ["/x.gif", "/aXbYcZ", "/a.gif.gif"]),
    ("User-agent: *\nDisallow: /a%3cd\nDisallow: /~b\nDisallow: /%63\nDisallow: /e/\u00e9\nDisallow: /f%2A$",
     ["/acd", "/f*x"], ["/a%3Cd", "/%7eb", "/~b", "/c", "/e/%C3%A9", "/f*"]),
    ("\ufeff# c\rUser-agent : * # all\r\n  disallow :  /a  # so\r\nnonsense\n:\nDisallow", ["/b"], ["/a"]),
    ("Disallow: /a\nUser-agent: *\nFoo: bar\nDisallow: /b", ["/a"], ["/b"]),
    ("User-agent: *\nSitemap: nonsense\nUser-agent: other\nDisallow: /b", ["/a"], ["/b"]),
]


def harvest_obeys_robots(program):
    for number, (text, allowed, not_allowed) in enumerate(ROBOTS):
        pages = {path: "" for path in allowed + not_allowed}
        with site({**pages, "/robots.txt": (200, {"Content-Type": "text/plain"}, text)}) as here:
            out, output = run(program, "--follow", "0", *[here.url + path for path in allowed + not_allowed],
                              status=0 if not not_allowed else 1 if allowed else 2)
            expect(f"harvest: robots.txt {number}", here.asked() == sorted(allowed) and here.robots() == 1,
                   f"{text}\n{here.asked()}\n{output}")
    for status, asks in ((404, True), (403, True), (500, False), (503, False), (429, False)):
        crawls(f"robots.txt {status}", program, {"/": "", "/robots.txt": (status, {}, "User-agent: *\nAllow: /")},
               ["/"] if asks else [], "--follow", "1", status=0 if asks else 2)
    # Redirects of it are followed, five at the least, and lead to the rules of where it was asked for.
    hops = {f"/r{i}": (302, {"Location": f"/r{i + 1}"}, "") for i in range(9)}
    rules = "User-agent: *\nDisallow: /a"
    for last, good in ((4, True), (9, False)):
        pages = {"/a": "", **hops, f"/r{last}": rules, "/robots.txt": (301, {"Location": "/r0"}, "")}
        with site(pages) as here:
            run(program, "--follow", "1", here.url + "/a", status=2 if good else 0)
            expect(f"harvest: robots.txt behind {last + 1} redirects", ("/a" in here.asked()) != good, here.asked())
    out, output = run(program, "--follow", "1", "http://127.0.0.1:1/", status=2)
    expect("harvest: robots.txt out of reach", "CRECHE_E_CONNECT" in out and summary(out) == (1, 0, 1, 1), output)
    # Once for an origin, whoever comes at a time; a pause between two requests.
    pages = {f"/{i}": "" for i in range(8)}
    asked, *_ = crawls("a pause", program, {**pages, "/": links(*pages), "/robots.txt": "User-agent: *\nCrawl-delay: 0.1"},
                       ["/", *pages], "--follow", "1", "--per-host", "8")
    times = [at for path, at in asked if path != "/robots.txt"]
    expect("harvest: crawl-delay", times[-1] - times[0] >= 8 * 0.1 - 0.05, times)
    with site({str(i): "" for i in range(8)} | pages) as here:
        run(program, "--follow", "0", *[here.url + path for path in pages])
        expect("harvest: robots.txt once", here.robots() == 1 and here.asked() == sorted(pages), here.asked())


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
    harvest_follows(program)
    harvest_reads_sitemaps(program)
    harvest_obeys_robots(program)
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
