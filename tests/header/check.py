#!/usr/bin/env python3
"""Each public header alone, as each language it promises to be, by each compiler there is. With CRECHE_EVERY=1
the parts of creche.hpp, too, which takes a minute."""
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
INCLUDE = os.path.join(ROOT, "include")
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror", "-fsyntax-only"]
LANGUAGES = [
    ("c", "c99", ["-Wstrict-prototypes", "-Wpadded"]),
    ("c", "c11", ["-Wstrict-prototypes"]),
    ("c", "c17", ["-Wstrict-prototypes"]),
    ("c++", "c++17", ["-Wold-style-cast"]),
    ("c++", "c++20", []),
]
ALLOWED = {"stddef.h", "stdint.h"}
# What readers of declarations (cffi, LuaJIT) do not know.
FOREIGN = re.compile(r"\)\s*\{|__attribute__|__asm__|__extension__|\binline\b|\bextern\b")


def compilers():
    names = ["gcc", "g++", "clang", "clang++"] + [f"clang-{v}" for v in range(14, 25)]
    for name in names + [f"clang++-{v}" for v in range(14, 25)]:
        if shutil.which(name):
            yield name, "c++" if "++" in name else "c"


passed, failed = 0, 0


def expect(good, complaint):
    global passed, failed
    if good:
        passed += 1
    else:
        failed += 1
        print(complaint)


headers = sorted(n for n in os.listdir(os.path.join(INCLUDE, "creche")) if n.endswith(".h"))
for header in headers:
    with open(os.path.join(INCLUDE, "creche", header), encoding="utf-8") as file:
        text = file.read()
    foreign = [n for n in re.findall(r"#\s*include\s*<([^>]+)>", text) if n not in ALLOWED]
    expect(not foreign, f"{header}: includes {foreign}; only {sorted(ALLOWED)} are allowed")
    unknown = [n for n in re.findall(r'#\s*include\s*"([^"]+)"', text) if n not in headers]
    expect(not unknown, f"{header}: includes {unknown}")
    for compiler, family in compilers():
        for language, standard, more in LANGUAGES:
            if language != family:
                continue
            for bodies in [], ["-DCRECHE_NO_INLINE"]:
                if bodies and standard not in ("c99", "c++17"):
                    continue
                done = subprocess.run(
                    [compiler, "-x", language, f"-std={standard}", *STRICT, *more, *bodies, "-I", INCLUDE, "-"],
                    input=f"#include <creche/{header}>\n#include <creche/{header}>\n",
                    capture_output=True, text=True)
                expect(done.returncode == 0, f"{header}: {compiler} -std={standard} {bodies}:\n{done.stderr}")
for compiler, family in compilers():
    if family == "c":
        done = subprocess.run([compiler, "-E", "-P", "-x", "c", "-std=c99", "-DCRECHE_NO_INLINE", "-I", INCLUDE,
                               "-"], input="#include <creche/creche.h>\n", capture_output=True, text=True)
        found = FOREIGN.search(done.stdout)
        expect(done.returncode == 0 and found is None,
               f"{compiler}: with CRECHE_NO_INLINE the headers still hold {found and found[0]!r}")

# A status that must be looked at: each compiler says so, unless it is told not to (CRECHE_MUST_CHECK).
LOST = """#include <creche/task.h>
void f(creche_scope in);
void f(creche_scope in) { creche_sleep(in, 1, NULL, creche_nobody, NULL, NULL); }
"""
for compiler, family in compilers():
    for more, good in ([], False), (["-DCRECHE_MUST_CHECK="], True):
        done = subprocess.run([compiler, "-x", family, *more, "-Werror", "-S", "-o", os.devnull, "-I", INCLUDE, "-"],
                              input=LOST, capture_output=True, text=True)
        expect((done.returncode == 0) == good and (good or "unused-result" in done.stderr),
               f"{compiler} {more}, where a status is lost:\n{done.stderr}")

# Those in C++: the whole by each compiler; each part alone by one, if it is asked for.
def check_hpp(compiler, header):
    done = subprocess.run([compiler, "-x", "c++", "-std=c++20", *STRICT, "-I", INCLUDE, "-"],
                          input=f"#include <creche/{header}>\n#include <creche/{header}>\n",
                          capture_output=True, text=True)
    return done.returncode == 0, f"{header}: {compiler} -std=c++20:\n{done.stderr}"


cxx = [compiler for compiler, family in compilers() if family == "c++"]
parts = sorted("cpp/" + n for n in os.listdir(os.path.join(INCLUDE, "creche", "cpp")))
with open(os.path.join(INCLUDE, "creche", "creche.hpp"), encoding="utf-8") as file:
    included = re.findall(r'#include "(cpp/[^"]+)"', file.read())
expect(included == parts, f"creche.hpp: includes {included}, and not exactly {parts}")
alone = parts if os.environ.get("CRECHE_EVERY") == "1" else []
with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    for good, complaint in pool.map(lambda job: check_hpp(*job),
                                    [(c, "creche.hpp") for c in cxx] + [(cxx[-1], p) for p in alone]):
        expect(good, complaint)

print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed else 0)
