#!/usr/bin/env python3
"""A second compiler's opinion: clang over all sources, with the warnings they are built with.

Usage: clang.py <build folder with compile_commands.json>"""
import concurrent.futures
import json
import os
import shlex
import shutil
import subprocess
import sys

from files import ROOT, finish

# What only GCC knows.
FOREIGN = {"-fno-gnu-unique", "-Winvalid-pch"}


def newest(name):
    found = [shutil.which(f"{name}-{version}") for version in range(25, 13, -1)]
    return next((f for f in found + [shutil.which(name)] if f), None)


def check(entry):
    words = shlex.split(entry["command"])
    cxx = entry["file"].endswith(".cc")
    # Launchers such as ccache come before the compiler; options come after it.
    while words and not words[0].startswith("-"):
        words.pop(0)
    kept, skip = [], False
    for at, word in enumerate(words):
        if skip:
            skip = False
        elif word == "-o" or word == "-include" and "llhttp_names" not in words[at + 1]:
            skip = True  # precompiled headers: here each file shows that it includes what it needs
        elif word not in FOREIGN and word != "-c" and not word.startswith("-fsanitize"):
            kept.append(word)
    command = [CXX if cxx else C, "-fsyntax-only", *kept]
    done = subprocess.run(command, cwd=entry["directory"], capture_output=True, text=True)
    name = os.path.relpath(entry["file"], ROOT)
    return None if done.returncode == 0 else f"{name}: clang complains\n{done.stderr}"


C, CXX = newest("clang"), newest("clang++")
if C is None or CXX is None:
    print("skipped: no clang")
    sys.exit(77)
with open(os.path.join(sys.argv[1], "compile_commands.json"), encoding="utf-8") as file:
    # GoogleTest's macros are GCC's business; everything of ours is clang's, too. What a program of ours
    # writes is there only if it has been built.
    entries = [e for e in json.load(file)
               if e["file"].startswith(ROOT + os.sep) and "/tests/unit/" not in e["file"]
               and os.path.exists(e["file"])]
with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    complaints = [c for c in pool.map(check, entries) if c]
finish(len(entries), complaints)
