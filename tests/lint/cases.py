#!/usr/bin/env python3
"""The tables that say which tests show what: each row has a number of its own, and either names tests
that exist and are run, each once, or says why there is none."""
import os
import re

from files import ROOT, finish, project_files, read

ROW = re.compile(r"^\| *([A-Z]?\d+) *\|([^|]*)\|([^|]*)\|$")
NAMED = re.compile(r"`([^`]+)`")
REASON = re.compile(r"\bnone: (.{15,})")
SCRIPTS = (".py", ".sh")  # a test each
TESTS = (".c", ".cc")  # have tests


def is_run(path, name):
    """Whether `name` is a test of the file: a function that its table of tests has, or a TEST."""
    text = read(path)
    if path.endswith(".cc"):
        suite, _, test = name.partition(".")
        return re.search(rf"\bTEST(?:_F|_P)?\({suite}, {test}\)", text)
    defined = re.search(rf"^static void {name}\(void\*\* state\)", text, re.M)
    return defined and re.search(rf"\b(?:[A-Z][A-Z_]*|cmocka_unit_test\w*)\({name}\b", text)


def script_is_run(path):
    """Whether CMake or run.sh knows the script; lints and bindings are listed by their names alone."""
    name = os.path.splitext(os.path.basename(path))[0]
    if path.startswith("tests/lint/"):
        return re.search(rf"foreach\(lint [^)]*\b{name}\b", read("tests/CMakeLists.txt"))
    if path.startswith("tests/bindings/"):
        return re.search(rf"for language in [^;]*\b{name}\b", read("tests/run.sh"))
    known = read("tests/CMakeLists.txt") + read("tests/run.sh")
    return path.removeprefix("tests/") in known


def path_of(table, named):
    """A file with a folder is below tests/, one without is below the table's own folder."""
    if "/" in named:
        return f"tests/{named}"
    folder = os.path.dirname(table)
    found = [p for p in FILES if p.startswith(f"{folder}/") and os.path.basename(p) == named]
    return found[0] if len(found) == 1 else f"{folder}/{named}"


def complaints_about(table, number, line, shows, where):
    here = f"{table}:{line}"
    if not shows.strip():
        yield f"{here}: {number} does not say what it shows"
    tested = False
    path = None
    seen = set()
    for named in NAMED.findall(where):
        if "/" in named or named.endswith(TESTS + SCRIPTS):
            path = path_of(table, named)
            if not os.path.isfile(os.path.join(ROOT, path)):
                yield f"{here}: there is no {path}"
                path = None
            elif path.endswith(SCRIPTS):
                tested = True
                if not script_is_run(path):
                    yield f"{here}: nothing runs {path}"
                path = None
        elif path is None:
            yield f"{here}: {named} stands behind no file that has tests"
        else:
            tested = True
            if (path, named) in seen:
                yield f"{here}: {path}: {named} is named twice"
            seen.add((path, named))
            if not is_run(path, named):
                yield f"{here}: {path} runs no test {named}"
    if not tested and not REASON.search(where):
        yield f"{here}: {number} has neither a test nor a reason (none: ...)"


def check(table, counts):
    """counts: how many rows each letter has ("": numbers alone), numbered from 1; None: letters count
    for themselves."""
    lines = {}
    for line, text in enumerate(read(table).splitlines(), 1):
        row = ROW.match(text)
        if not row:
            if re.match(r"^\| *[A-Z]?\d", text):
                yield f"{table}:{line}: not a row of three columns"
            continue
        number = row.group(1)
        if number in lines:
            yield f"{table}:{line}: {number} stands in line {lines[number]} already"
        lines[number] = line
        yield from complaints_about(table, number, line, row.group(2), row.group(3))
    if counts is None:
        letters = {n[0] for n in lines}
        counts = {letter: sum(number[0] == letter for number in lines) for letter in letters}
    wanted = {f"{letter}{n}" for letter in counts for n in range(1, counts[letter] + 1)}
    yield from (f"{table}:{lines[n]}: there should be no {n}" for n in lines if n not in wanted)
    yield from (f"{table}: {n} is missing" for n in sorted(wanted) if n not in lines)
    if not lines:
        yield f"{table}: has no rows"


FILES = project_files()
TABLES = {"tests/capi/structured/CASES.md": {"": 98}, "tests/capi/http/CASES.md": {"": 80, "D": 9},
          "tests/capi/pg/CASES.md": {"": 86},
          "tests/capi/contract/LINES.md": None}
finish(len(TABLES), [complaint for table, count in TABLES.items() for complaint in check(table, count)])
