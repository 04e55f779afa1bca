#!/usr/bin/env python3
"""Autobahn's fuzzing server, all of its cases, against websocket_echo (a client of the library's WebSockets).

usage: autobahn.py FOLDER WEBSOCKET_ECHO [CASE ...]   FOLDER: where it is installed, once, and its reports go;
CASE: "6.*". It is a program in Python 2.7 (PYTHON2 says where that is), which may not be on this machine. The
last line is "N passed, N failed", or "skipped: reason"."""
import glob
import json
import os
import shutil
import socket
import subprocess
import sys
import time

GOOD = {"OK", "NON-STRICT", "INFORMATIONAL", "UNIMPLEMENTED"}
RUN = "from autobahntestsuite.wstest import run; run()"


def python2():
    found = [os.environ.get("PYTHON2"), shutil.which("python2.7"), *glob.glob(os.path.expanduser("~/.pyenv/versions/2.7*/bin/python2.7"))]
    for path in filter(None, found):  # a shim may be there without what it stands for
        if subprocess.run([path, "-m", "pip", "--version"], capture_output=True).returncode == 0:
            return path
    print("skipped: no Python 2.7 with pip")
    sys.exit(0)


def install(python, environment):
    if subprocess.run([python, "-c", "import autobahntestsuite"], env=environment, capture_output=True).returncode == 0:
        return
    done = subprocess.run([python, "-m", "pip", "install", "--user", "--quiet", "autobahntestsuite==0.8.2"],
                          env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        print(f"skipped: pip cannot install autobahntestsuite: {done.stderr.strip()[-300:]}")
        sys.exit(0)


def await_port(port, process):
    limit = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < limit:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit("the fuzzing server did not start")


def main():
    folder, client = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    python = python2()
    environment = {**os.environ, "PYTHONUSERBASE": os.path.join(folder, "python"), "PYTHONWARNINGS": "ignore"}
    os.makedirs(folder, exist_ok=True)
    install(python, environment)
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    reports = os.path.join(folder, "reports")
    shutil.rmtree(reports, ignore_errors=True)
    spec = os.path.join(folder, "server.json")
    with open(spec, "w", encoding="utf-8") as file:
        json.dump({"url": f"ws://127.0.0.1:{port}", "outdir": reports, "cases": sys.argv[3:] or ["*"],
                   "exclude-cases": [], "exclude-agent-cases": {}}, file)
    with open(os.path.join(folder, "server.log"), "w", encoding="utf-8") as log:
        server = subprocess.Popen([python, "-c", RUN, "-m", "fuzzingserver", "-s", spec, "-w", "no"], cwd=folder,
                                  env=environment, stdout=log, stderr=log)
    try:
        await_port(port, server)
        subprocess.run([client, f"ws://127.0.0.1:{port}"], check=True, timeout=3600)
    finally:
        server.terminate()
        server.wait()
    with open(os.path.join(reports, "index.json"), encoding="utf-8") as file:
        cases = json.load(file)["libcreche"]
    bad = {name: case for name, case in cases.items()
           if case["behavior"] not in GOOD or case["behaviorClose"] not in GOOD}
    for name, case in bad.items():
        print(f"failed: {name}: {case['behavior']}, close: {case['behaviorClose']}")
    for kind in sorted(GOOD - {"OK"}):
        names = sorted(name for name, case in cases.items() if kind in (case["behavior"], case["behaviorClose"]))
        print(f"{kind.lower()}: {' '.join(names) or 'none'}")
    print(f"{len(cases) - len(bad)} passed, {len(bad)} failed")
    sys.exit(1 if bad else 0)


main()
