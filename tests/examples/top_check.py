#!/usr/bin/env python3
"""creche-top beside a harvest whose servers never answer: without a terminal, on one (a pseudo one), at its
end, and where there is nothing to see. Usage: top_check.py <example_top> <example_harvest>, with DATABASE_URL
of a server (creche-test-servers --)."""
import os
import pty
import re
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time

PATIENCE = 120
passed = failed = 0


def expect(what, good, output=""):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    if not good:
        print(f"failed: {what}\n{output}")


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    return done.returncode, done.stdout + done.stderr


def until(what, look):
    """The first thing that `look` finds."""
    end = time.monotonic() + PATIENCE
    while not (found := look()) and time.monotonic() < end:
        time.sleep(0.02)
    expect(what, found)
    return found


def on_a_terminal(top, tree):
    """Two pictures of a screen of 8 rows and 60 columns."""
    child, terminal = pty.fork()
    if child == 0:
        subprocess.run(["stty", "rows", "8", "cols", "60"], check=True)
        os.execv(top, [top, "-n", "2", "-d", "0.01", tree])
    shown = b""
    try:
        while piece := os.read(terminal, 65536):
            shown += piece
    except OSError:  # its end, on Linux
        pass
    os.waitpid(child, 0)
    os.close(terminal)
    return shown.decode()


def main():
    top, harvest = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="creche-top-") as folder, \
            socket.create_server(("127.0.0.1", 0)) as silent:
        tree = os.path.join(folder, "tree")
        hanging = ["http://127.0.0.1:%d/%d" % (silent.getsockname()[1], i) for i in range(12)]
        status, output = run(top, tree)
        expect("nothing there", status == 1 and tree in output, output)
        expect("usage", run(top)[0] == 64)
        with socket.socket(socket.AF_UNIX) as killed:  # one that was killed has left this
            killed.bind(tree)
        fetching = subprocess.Popen([harvest, "--limit", "8", "--tree", tree, *hanging],
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            def eight():
                status, output = run(top, "-n", "1", tree)
                return status == 0 and output.count("operation") >= 8 and output
            output = until("all that may are fetched", eight)
            expect("a line says how many", re.match(re.escape(tree) + r": \d+ nodes, 0 new, 0 gone\n", output), output)
            expect("the tree", re.search(r'^    +group "fetching", .*\n(.*\n)*? +task "' + re.escape(hanging[0]), output, re.M),
                   output)
            expect("no ids", not re.search(r"\b[0-9a-f]{16}\b", output), output)
            expect("no escapes", "\033" not in output, output)
            expect("nobody else's", stat.S_IMODE(os.stat(tree).st_mode) == 0o600)
            status, output = run(harvest, "--tree", tree, "--deadline", "0.1", hanging[0])
            expect("a socket in use stays whose it is", "in use" in output and status == 3, output)

            shown = on_a_terminal(top, tree)
            expect("drawn over", shown.count("\033[H") == 2 and shown.count("\033[2J") == 1, shown)
            expect("cut to the screen", re.search(r"\.\.\. and \d+ more", shown) and
                   max(len(re.sub(r"\033\[\w+", "", line)) for line in shown.split("\n")) <= 61, shown)

            watching = subprocess.Popen([top, "-d", "0.01", tree], stdout=subprocess.PIPE, text=True)
            watching.stdout.readline()
            silent.accept()[0].close()  # one is over: the next one has its turn
            changed = next((line for line in watching.stdout if re.search(r"[1-9]\d* new, [1-9]\d* gone", line)), "")
            expect("what has changed", changed)
            expect("what is new is marked", any(re.match(r"\+ {7,}\w", line) for line in watching.stdout))
            fetching.send_signal(signal.SIGINT)
            for _ in watching.stdout:
                pass
            expect("it ends with the program", watching.wait(PATIENCE) == 0)
        finally:
            fetching.send_signal(signal.SIGINT)
            fetching.communicate(timeout=PATIENCE)
        expect("the socket is gone", not os.path.exists(tree))
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0)


main()
