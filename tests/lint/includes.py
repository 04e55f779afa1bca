#!/usr/bin/env python3
"""The direction of includes, from a table: capi -> {http, pg} -> tasks -> core -> platform."""
import os
import re

from files import ROOT, finish, project_files, read

# What each layer may include from src/.
BELOW = {
    "platform": {"platform"},
    "core": {"core", "platform"},
    "tasks": {"tasks", "core", "platform"},
    "http": {"http", "tasks", "core", "platform"},
    "pg": {"pg", "tasks", "core", "platform"},
    "capi": {"capi", "http", "pg", "tasks", "core", "platform"},
}

# Who alone may name a foreign library: the rest of the project must not depend on it.
OWNERS = [
    (re.compile(r"event2/|event\.h$|evutil\.h$"), "platform"),
    (re.compile(r"openssl/"), "platform"),
    (re.compile(r"libpq|postgres_ext\.h$"), "pg"),
    (re.compile(r"llhttp\.h$|nghttp2/|idn2\.h$|libpsl\.h$|zlib\.h$|brotli/|zstd"), "http"),
    (re.compile(r"creche/"), "capi"),
]

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def complaints_about(path):
    layer = path.split("/")[1]
    if layer not in BELOW:
        yield f"{path}: {layer} is not a layer"
        return
    for mark, name in INCLUDE.findall(read(path)):
        if mark == '"':
            target = name.split("/")[0]
            if not os.path.isfile(os.path.join(ROOT, "src", name)):
                yield f'{path}: "{name}" is not a path below src/'
            elif target not in BELOW[layer]:
                yield f'{path}: {layer} must not include "{name}"'
            continue
        for pattern, owner in OWNERS:
            if pattern.match(name) and owner != layer:
                yield f"{path}: <{name}> belongs to {owner} alone"


def complaints_about_user(path):
    """Tests of the ABI see what users see."""
    for mark, name in INCLUDE.findall(read(path)):
        # Fixtures are shared between folders of tests, by relative paths.
        inside = re.match(r"support/|(\.\./)*(capi|integration)/", name)
        if mark == '"' and "/" in name and not inside:
            yield f'{path}: "{name}" is not for users of the library'


def main():
    files = project_files()
    sources = [p for p in files if p.startswith("src/") and p.endswith((".cc", ".h"))]
    users = [p for p in files if re.match(r"tests/(capi|integration|examples)/.*\.[ch]$", p)]
    complaints = [c for p in sources for c in complaints_about(p)]
    complaints += [c for p in users for c in complaints_about_user(p)]
    finish(len(sources) + len(users), complaints)


main()
