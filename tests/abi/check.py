#!/usr/bin/env python3
"""What the shared library shows to the world is what the headers declare, and nothing else.

Usage: check.py <libcreche.so>            checks it against the headers and symbols.txt
       check.py --list <libcreche.so>     prints what symbols.txt should hold
       check.py --constants               prints what constants.txt should hold"""
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
INCLUDE = os.path.join(HERE, "..", "..", "include", "creche")
# Their addresses are compared, so a program's own address for them must win.
INTERPOSABLE = {"creche_to_group", "creche_nobody"}

passed, failed = 0, 0


def expect(good, complaint):
    global passed, failed
    if good:
        passed += 1
    else:
        failed += 1
        print(complaint)


def output_of(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def exported(library):
    """(name, version, kind) of each symbol that others can see."""
    for line in output_of("nm", "-D", "--defined-only", library).splitlines():
        _, kind, name = line.split(maxsplit=2)
        name, _, version = name.partition("@@")
        if kind != "A":  # the version nodes themselves
            yield name, version, kind


def header_texts():
    for header in sorted(name for name in os.listdir(INCLUDE) if name.endswith(".h")):
        with open(os.path.join(INCLUDE, header), encoding="utf-8") as file:
            # Without comments.
            yield re.sub(r"/\*.*?\*/", "", file.read(), flags=re.DOTALL)


def declared(by="CRECHE_(?:API|INLINE)"):
    for text in header_texts():
        text = re.sub(r"^#.*$", "", text, flags=re.MULTILINE)
        for declaration in re.findall(rf"\b{by}\b([^;{{]+)", text):
            yield re.search(r"\b(creche_\w+)\s*\(", declaration).group(1)


def inlines():
    """Functions whose bodies stand in a header: CRECHE_INLINE makes them exported ones, too."""
    for text in header_texts():
        text = re.sub(r"^#.*$", "", text, flags=re.MULTILINE)
        expect(not re.search(r"\b(static|inline)\b", text),
               "a header has a `static inline` of its own: CRECHE_INLINE exports it, too")
    names = set(declared("CRECHE_INLINE"))
    with open(os.path.join(HERE, "..", "capi", "contract", "no_inline_test.c"), encoding="utf-8") as file:
        tested = set(re.findall(r"\bcreche_\w+(?=\()", file.read()))
    expect(names <= tested, f"no_inline_test.c does not call {sorted(names - tested)}")


def constants():
    """Programs are compiled with the numbers, so debug information does not show a change."""
    for text in header_texts():
        for name, value in re.findall(r"\b(CRECHE_\w+) = ([^,}\n]+)", text):
            yield f"{name} {value.strip()}"


def committed(name):
    with open(os.path.join(HERE, name), encoding="utf-8") as file:
        return set(file.read().splitlines())


def header_version():
    with open(os.path.join(INCLUDE, "base.h"), encoding="utf-8") as file:
        text = file.read()
    return [re.search(rf"#define CRECHE_VERSION_{part} (\d+)", text).group(1)
            for part in ("MAJOR", "MINOR")]


def same(what, left, right):
    expect(left == right, f"{what}: missing {sorted(right - left)}, too much {sorted(left - right)}")


def main():
    if sys.argv[1] == "--list":
        print("\n".join(sorted(name for name, _, _ in exported(sys.argv[2]))))
        return 0
    if sys.argv[1] == "--constants":
        print("\n".join(sorted(constants())))
        return 0
    library = sys.argv[1]
    symbols = list(exported(library))
    names = {name for name, _, _ in symbols}
    major, minor = header_version()

    same("exported, compared with the headers", names, set(declared()))
    same("exported, compared with symbols.txt (update.sh)", names, committed("symbols.txt"))
    same("constants, compared with constants.txt (update.sh)", set(constants()),
         committed("constants.txt"))
    expect(all(n.startswith("creche_") for n in names), "a symbol does not begin with creche_")
    inlines()
    same("version nodes", {v for _, v, _ in symbols}, {f"CRECHE_{major}.{minor}"})
    same("kinds of symbols", {k for _, _, k in symbols}, {"T"})

    dynamic = output_of("readelf", "-dW", library)
    expect(f"[libcreche.so.{major}.{minor}]" in dynamic, "SONAME is not libcreche.so.major.minor")
    expect("NODELETE" in dynamic, "dlclose may unload the code of running threads: -z nodelete")
    expect(re.search(r"FLAGS.*\bNOW\b", dynamic), "symbols are bound late: -z now")
    expect("TEXTREL" not in dynamic and "RPATH" not in dynamic and "RUNPATH" not in dynamic,
           "the library has text relocations or a path of the machine that built it")
    expect(" UNIQUE " not in output_of("readelf", "-sW", "--dyn-syms", library),
           "a symbol is unique in the process: two copies would share it")
    expect("GNU_STACK" in output_of("readelf", "-lW", library) and
           not re.search(r"GNU_STACK.*E", output_of("readelf", "-lW", library)),
           "the stack is executable")

    relocated = set(re.findall(r"\b(creche_\w+)@", output_of("readelf", "-rW", library)))
    expect(relocated <= INTERPOSABLE, f"calls inside the library go through the linker's tables: "
                                      f"{sorted(relocated - INTERPOSABLE)}")

    # One pointer is the compiler's own start-up code; any more is a static constructor of ours.
    sections = output_of("readelf", "-SW", library)
    size = re.search(r"\.init_array\s+INIT_ARRAY\s+\S+\s+\S+\s+(\S+)", sections)
    expect(size is None or int(size.group(1), 16) <= 8,
           "static constructors run when the library is loaded")

    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
