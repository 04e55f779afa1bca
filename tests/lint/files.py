"""What all lints share: the files of the project, and the way to report."""
import os
import subprocess
import sys

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))


def project_files():
    """Paths relative to the root of what is, or is about to be, under version control."""
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard"],
                            capture_output=True, text=True)
    if listed.returncode == 0:
        paths = listed.stdout.splitlines()
    else:  # an unpacked archive
        paths = []
        for folder, names, files in os.walk(ROOT):
            names[:] = [n for n in names if not n.startswith((".", "build")) and n != "target"]
            paths += [os.path.relpath(os.path.join(folder, f), ROOT) for f in files]
    return sorted(p for p in set(paths) if os.path.isfile(os.path.join(ROOT, p)))


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def finish(checked, complaints):
    for complaint in complaints:
        print(complaint)
    failed = len({c.split(":")[0] for c in complaints})
    print(f"{checked - failed} passed, {failed} failed")
    sys.exit(1 if complaints else 0)
