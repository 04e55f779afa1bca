#!/usr/bin/env python3
"""Runs each test program of a build again and again, several at a time, as they never are alone on a
machine: what waits for a moment instead of an event shows.
Usage: repeat.py <build> <times> <logs> [<regular expression of names>]
The last line is "N passed, N failed", by programs; the log of a run that failed is kept."""
import concurrent.futures
import json
import os
import subprocess
import sys

AT_A_TIME = 6
LABELS = {"unit", "capi", "integration", "fault", "support", "dlopen"}


def tests_of(build, names):
    listed = subprocess.run(["ctest", "--test-dir", build, "--show-only=json-v1", "-R", names],
                            capture_output=True, text=True, check=True).stdout
    for test in json.loads(listed)["tests"]:
        properties = {p["name"]: p["value"] for p in test.get("properties", [])}
        if LABELS.intersection(properties.get("LABELS", [])) and "command" in test:
            yield test["name"], test["command"], properties


def main():
    build, times, logs = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    names = (sys.argv[4] if len(sys.argv) > 4 else "") or "."
    os.makedirs(logs, exist_ok=True)
    failures = {}
    skipped = set()

    def run(name, command, properties, number):
        if name in skipped:
            return
        environment = dict(os.environ)
        environment.update(pair.split("=", 1) for pair in properties.get("ENVIRONMENT", []))
        log = os.path.join(logs, f"{name}.{number}")
        patience = 3 * float(properties.get("TIMEOUT", 120))
        with open(log, "wb") as file:
            try:
                status = subprocess.run(command, cwd=properties.get("WORKING_DIRECTORY"), env=environment,
                                        stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                                        timeout=patience, check=False).returncode
            except subprocess.TimeoutExpired:
                status = f"not ended after {patience:.0f} s"
        if status in (0, 77):
            os.remove(log)
            if status == 77:
                skipped.add(name)
            return
        failures.setdefault(name, []).append((status, log))

    tests = list(tests_of(build, names))
    if not tests:
        sys.exit(f"no test program of {build} is called {names}")
    with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
        runs = [pool.submit(run, *test, number) for number in range(times) for test in tests]
        for each in concurrent.futures.as_completed(runs):
            each.result()
    for name, failed in sorted(failures.items()):
        status, log = failed[0]
        print(f"{name}: {len(failed)} of {times} failed (first: {status}), log: {log}")
        with open(log, errors="replace") as file:
            print("    " + "    ".join(file.readlines()[-15:]))
    print(f"{len(tests) - len(failures) - len(skipped)} passed, {len(failures)} failed, "
          f"{len(skipped)} skipped")


main()
