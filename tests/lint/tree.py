#!/usr/bin/env python3
"""The shape of the tree: short files, a tidy top level, nothing that only works on one machine."""
import re

from files import finish, project_files, read

TOP = {"CMakeLists.txt", "CMakePresets.json", "include", "src", "bindings", "tests", "pkgconfig",
       "README.md", "LICENSE", "CHANGELOG.md"}
LONGEST = {"src": 400, "bindings": 400, "include": 600}
LENGTH_MATTERS = re.compile(r"\.(cc|c|h|hpp|rs|go|py)$")
GENERATED = re.compile(r"bindings/rust/creche-sys/(src/bindings|tests/facts/mod)\.rs$")
TEXT = re.compile(r"\.(cc|c|h|hpp|rs|go|py|lua|rb|mjs|java|cs|sh|md|txt|cmake|json|in|toml|mod|map|dynamic|supp|ini)$|/run$")
# A path of somebody's home or workplace. Quoted system paths such as /usr or /proc are fine.
MACHINE = re.compile(r"(?<![\w./$}*])/(home|root|work|Users|mnt|workspace)/\w")


def complaints_about(path):
    top = path.split("/")[0]
    if top not in TOP and not top.startswith("."):
        yield f"{path}: the top level is for {', '.join(sorted(TOP))} and dotfiles"
    if not TEXT.search(path):
        return
    text = read(path)
    lines = text.splitlines()
    longest = LONGEST.get(top)
    if longest and LENGTH_MATTERS.search(path) and not GENERATED.match(path) and len(lines) > longest:
        yield f"{path}: {len(lines)} lines; {longest} is the limit"
    if text and not text.endswith("\n"):
        yield f"{path}: no newline at the end"
    for number, line in enumerate(lines, 1):
        if "\r" in line:
            yield f"{path}:{number}: a carriage return"
        if MACHINE.search(line) and path != "tests/lint/tree.py":
            yield f"{path}:{number}: a path of one machine: {line.strip()}"


files = project_files()
finish(len(files), [c for p in files for c in complaints_about(p)])
