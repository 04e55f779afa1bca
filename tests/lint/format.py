#!/usr/bin/env python3
"""clang-format over our C and C++. The public headers in C have a layout of their own: they are the
manual."""
import re
import shutil
import subprocess
import sys

from files import ROOT, finish, project_files

# One version for everybody: others disagree on details.
tool = shutil.which("clang-format-14")
if tool is None:
    print("skipped: no clang-format-14")
    sys.exit(77)

wanted = [p for p in project_files() if re.match(r"(src|tests)/.*\.(cc|c|h)$|include/.*\.hpp$", p)]
complaints = []
for path in wanted:
    checked = subprocess.run([tool, "--dry-run", "-Werror", path], cwd=ROOT, capture_output=True,
                             text=True)
    if checked.returncode != 0:
        first = re.search(r":(\d+):", checked.stderr)
        complaints.append(f"{path}: line {first.group(1) if first else '?'} is not formatted; "
                          f"run {tool} -i on it")
finish(len(wanted), complaints)
