#!/usr/bin/env python3
"""The classic examples, of one language or of the originals: what they print is what all of them print.

  check.py COMMAND... [-- COMMAND...]    runs the commands, one after the other, each with the URL of a server
                                         of ours behind it, and DATABASE_URL, and looks at what they print together

The originals are run by a Python that has what they need ("PYTHON" as a command). Where there is none, they are
only compiled. The last line is "N passed, N failed"."""
import http.server
import os
import subprocess
import sys
import tempfile
import threading

PATIENCE = 120
HERE = os.path.dirname(os.path.realpath(__file__))


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    said = threading.Condition()
    lines = []  # that the program has printed so far


class Handler(http.server.BaseHTTPRequestHandler):
    """/count: the how manyth request of its connection this is. /1, /2, /3: answered in that order,
    each once the program has printed the one before. /never: not before the client has gone. All else: 404."""
    protocol_version = "HTTP/1.1"

    def setup(self):
        super().setup()
        self.count = 0

    def do_GET(self):
        self.count += 1
        if self.path == "/never":
            self.connection.recv(1)
            self.close_connection = True
        elif self.path == "/count":
            self.say(200, self.count)
        elif self.path in ("/1", "/2", "/3"):
            number = int(self.path[1:])
            with Server.said:
                Server.said.wait_for(lambda: number == 1 or str(number - 1) in Server.lines, PATIENCE)
            self.say(200, number)
        else:
            self.say(404, "nothing")

    def say(self, status, number):
        text = str(number).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


def prepare_table():
    subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", os.environ["DATABASE_URL"]], check=True, text=True, input="""
        set client_min_messages = warning;
        drop table if exists account;
        create table account (name text, cents int check (cents >= 0));
        insert into account values ('anna', 500), ('ben', 0);""")


def run(command):
    """Its exit status, and what it has said where. It prints to a terminal, and so line by line."""
    Server.lines = []
    ours, its = os.openpty()
    with tempfile.TemporaryFile("w+") as errors, open(ours, "rb", buffering=0) as printed:
        program = subprocess.Popen(command, stdout=its, stderr=errors)
        os.close(its)
        killer = threading.Timer(PATIENCE, program.kill)
        killer.start()
        try:
            while line := printed.readline():
                with Server.said:
                    Server.lines.append(line.decode().rstrip())
                    Server.said.notify_all()
        except OSError:
            pass  # so a terminal ends
        status = program.wait()
        killer.cancel()
        errors.seek(0)
        return status, errors.read()


def python_of_originals():
    for python in sys.executable, "/usr/bin/python3":
        if subprocess.run([python, "-c", "import aiohttp, asyncpg, trio"], capture_output=True).returncode == 0:
            return python
    return None


def main():
    commands, failed = [[]], 0
    for word in sys.argv[1:]:
        if word == "--":
            commands.append([])
        else:
            commands[-1].append(word)
    if commands[0][0] == "PYTHON":
        python = python_of_originals()
        if python is None:
            for _, path in commands:
                with open(path, encoding="utf-8") as file:
                    compile(file.read(), path, "exec")
            print("only compiled: no Python with aiohttp, asyncpg and Trio\n1 passed, 0 failed")
            return 0
        commands = [[python, file] for _, file in commands]
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    prepare_table()
    found = []
    for command in commands:
        status, errors = run(command + ["http://127.0.0.1:%d" % server.server_address[1]])
        found += Server.lines
        if status != 0 or errors:
            failed += 1
            print(f"{command}: exit status {status}\n{errors}")
    with open(os.path.join(HERE, "expected.txt"), encoding="utf-8") as file:
        wanted = file.read().splitlines()
    different = sum(one != other for one, other in zip(found, wanted)) + abs(len(found) - len(wanted))
    if different:
        print(f"{commands[0]}: {different} lines are different:\n" + "\n".join(found))
    print(f"{len(wanted) - min(different, len(wanted))} passed, {failed + different} failed")
    failed += different
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
