#!/usr/bin/env python3
"""Each public name has a manual page, no reference leads nowhere, and no formatter has a complaint.
usage: check_man.py CRECHE.JSON FOLDER-OF-THE-PAGES"""
import glob
import json
import os
import re
import shutil
import subprocess
import sys

passed, failed = 0, 0
# They are what packages do, too; mandoc would rather have links of the file system.
HARMLESS = ".so is fragile"


def expect(good, complaint):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    if not good:
        print(complaint)


def complaints(command, pages):
    done = subprocess.run([*command, *pages], capture_output=True, text=True, cwd=sys.argv[2])
    return [line for line in (done.stdout + done.stderr).splitlines() if HARMLESS not in line]


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        told = json.load(file)
    texts = {}
    for path in sorted(glob.glob("man[37]/*", root_dir=sys.argv[2])):
        with open(os.path.join(sys.argv[2], path), encoding="utf-8") as file:
            texts[path] = file.read()
    for key in ("functions", "structs", "callbacks", "types"):
        for one in told[key]:
            page = texts.get(f"man3/{one['name']}.3", "")
            link = re.match(r"\.so (\S+)", page)
            target = texts.get(link[1], "") if link else page
            handle = one.get("handle") or key == "types"
            expect(f".Nm {one['name']}" in target or handle and one["name"] in target, f"no page says what {one['name']} is")
    for header in told["headers"]:
        name = "creche" if header["name"] == "creche/creche.h" else "creche_" + header["name"][len("creche/"):-2]
        expect(f".In {header['name']}" in texts.get(f"man7/{name}.7", ""), f"{name}(7) is missing")
    for path, text in texts.items():
        for name, section in re.findall(r"^\.(?:It )?Xr (\S+) (\d)", text, re.M):
            expect(f"man{section}/{name}.{section}" in texts, f"{path}: there is no {name}({section})")
    pages = [path for path, text in texts.items() if not text.startswith(".so ")]
    if shutil.which("mandoc"):
        found = complaints(["mandoc", "-Tlint", "-Wwarning"], pages)
        expect(not found, "\n".join(found[:20]))
    if shutil.which("groff") and glob.glob("/usr/share/groff/*/tmac/mandoc.tmac"):
        found = complaints(["groff", "-mandoc", "-ww", "-z", "-Tutf8", "-K", "utf8"], pages[::7])
        expect(not found, "\n".join(found[:20]))
    print(f"{passed} passed, {failed} failed")
    return failed > 0


sys.exit(main())
