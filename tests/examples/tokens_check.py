#!/usr/bin/env python3
"""Runs the example `tokens` against a server that streams tokens as APIs of language models do.
  tokens_check.py PROGRAM
The last line is "N passed, N failed"."""
import http.server
import json
import subprocess
import sys
import threading

TOKENS = ["All", "tests", "are", "green", "[DONE]"]


class Model(http.server.BaseHTTPRequestHandler):
    """/whole: all tokens; /lost: two on each connection; /stuck: two, and then nothing."""

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not asked["stream"] or asked["prompt"] != "tests?":
            return self.send_error(400)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Connection", "close")
        self.end_headers()
        begin = int(self.headers.get("Last-Event-ID", -1)) + 1
        end = len(TOKENS) if self.path == "/whole" else begin + 2
        self.wfile.write(b": keep-alive\n\nretry: 5\n\n")
        for number, token in enumerate(TOKENS[begin:end], begin):
            self.wfile.write(f"id: {number}\ndata: {token}\n\n".encode())
        if self.path != "/lost":
            self.rfile.read()  # until the client closes

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Model)
threading.Thread(target=server.serve_forever, daemon=True).start()
passed = failed = 0


def expect(path, milliseconds, wanted):
    global passed, failed
    url = f"http://127.0.0.1:{server.server_port}{path}"
    done = subprocess.run([sys.argv[1], url, str(milliseconds), "tests?"], capture_output=True, text=True)
    if done.stdout == wanted + "\n" and done.returncode == 0:
        passed += 1
    else:
        failed += 1
        print(f"{path}: {done.returncode}, {done.stdout!r}, {done.stderr!r}")


expect("/whole", 60000, "All tests are green ")
expect("/lost", 60000, "All tests [lost and found] are green [lost and found] ")
expect("/stuck", 500, "All tests [time is over]")
print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0)
