#!/usr/bin/env python3
"""The table of cases in tests/capi/structured/CASES.md: every number once, and each either names tests
that exist and are run, or says why there is none."""
import os
import re

from files import ROOT, finish, read

TABLE = "tests/capi/structured/CASES.md"
NUMBERS = range(1, 99)
ROW = re.compile(r"^\| *(\d+) *\|([^|]*)\|([^|]*)\|$")
NAMED = re.compile(r"`([^`]+)`")
REASON = re.compile(r"\bnone: (.{15,})")


def is_run(path, name):
    """Whether `name` is a test of the file: a function that its table of tests has, or a TEST."""
    text = read(path)
    if path.endswith(".cc"):
        suite, _, test = name.partition(".")
        return re.search(rf"\bTEST(?:_F|_P)?\({suite}, {test}\)", text)
    defined = re.search(rf"^static void {name}\(void\*\* state\)", text, re.M)
    return defined and re.search(rf"\b(?:[A-Z][A-Z_]*|cmocka_unit_test\w*)\({name}\b", text)


def complaints_about(number, line, shows, where):
    if not shows.strip():
        yield f"{TABLE}:{line}: case {number} does not say what it shows"
    names = NAMED.findall(where)
    path = None
    for named in names:
        if "/" in named or named.endswith((".c", ".cc")):
            path = named if "/" in named else f"capi/structured/{named}"
            path = f"tests/{path}"
            if not os.path.isfile(os.path.join(ROOT, path)):
                yield f"{TABLE}:{line}: there is no {path}"
                path = None
        elif path is None:
            yield f"{TABLE}:{line}: {named} stands behind no file"
        elif not is_run(path, named):
            yield f"{TABLE}:{line}: {path} runs no test {named}"
    tested = any(not n.endswith((".c", ".cc")) for n in names)
    if not tested and not REASON.search(where):
        yield f"{TABLE}:{line}: case {number} has neither a test nor a reason (none: ...)"


complaints = []
lines = {}
for line, text in enumerate(read(TABLE).splitlines(), 1):
    row = ROW.match(text)
    if not row:
        if re.match(r"^\| *\d", text):
            complaints.append(f"{TABLE}:{line}: not a row of three columns")
        continue
    number = int(row.group(1))
    if number in lines:
        complaints.append(f"{TABLE}:{line}: case {number} stands in line {lines[number]} already")
    if number not in NUMBERS:
        complaints.append(f"{TABLE}:{line}: there is no case {number}")
    lines[number] = line
    complaints += complaints_about(number, line, row.group(2), row.group(3))
complaints += [f"{TABLE}: case {n} is missing" for n in NUMBERS if n not in lines]
finish(1, complaints)
