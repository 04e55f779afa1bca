#!/usr/bin/env python3
"""The modules of the Rust crate use one another one way only: no circle of `use crate::`.

Usage: rust_modules.py [<folder of sources, with lib.rs>]"""
import os
import re
import sys

from files import ROOT, finish, read

SOURCES = "bindings/rust/creche/src"
# Links in comments go in all directions; text is no code.
NO_CODE = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])\'', re.S)
USE = re.compile(r"\b(pub(?:\([^)]*\))?\s+)?use\s+([^;]+);")
PATH = re.compile(r"(?<![\w:])\$?((?:crate|super|self|[a-z_]\w*)(?:::\w+)+)")


def leaves(tree, before=()):
    """The paths of a use tree, each with the name that it gets."""
    tree = tree.strip()
    head, brace, rest = tree.partition("{")
    if not brace:
        path, _, name = tree.partition(" as ")
        parts = [*before, *(p.strip() for p in path.split("::") if p.strip())]
        if parts[-1] == "self":
            parts.pop()
        yield tuple(parts), name.strip() or parts[-1]
        return
    before = (*before, *(p.strip() for p in head.split("::") if p.strip()))
    depth, start = 0, 0
    inside = rest[:rest.rindex("}")] + ","
    for at, letter in enumerate(inside):
        depth += (letter == "{") - (letter == "}")
        if letter == "," and depth == 0:
            if inside[start:at].strip():
                yield from leaves(inside[start:at], before)
            start = at + 1


class Crate:
    def __init__(self, folder, paths, text_of):
        self.files, self.code = {}, {}
        for path in paths:
            parts = os.path.relpath(path, folder).removesuffix(".rs").split(os.sep)
            if parts[-1] in ("lib", "mod"):
                parts.pop()
            self.files[tuple(parts)] = path
            self.code[tuple(parts)] = NO_CODE.sub(" ", text_of(path))
        self.exports = {module: self.exports_of(module) for module in self.files}

    def exports_of(self, module):
        return {name: path for public, tree in USE.findall(self.code[module]) if public
                for path, name in leaves(tree)}

    def absolute(self, module, path):
        """From the root of the crate, or None: it is somebody else's."""
        first, rest = path[0], path[1:]
        if first == "crate":
            return rest
        if first == "self":
            return module + rest
        if first == "super":
            return self.absolute(module[:-1], rest) or module[:-1] + rest
        return module + path if module + (first,) in self.files else None

    def home(self, path, seen=()):
        """The module that has what a path from the root names, through what others export."""
        module = ()
        for at, name in enumerate(path):
            if module + (name,) in self.files:
                module += (name,)
                continue
            exported = self.exports[module].get(name)
            further = exported and self.absolute(module, exported)
            if further is None or (module, name) in seen:
                return module
            return self.home((*further, *path[at + 1:]), (*seen, (module, name)))
        return module

    def uses(self, module):
        """What it uses: module to one of the names."""
        code, found = self.code[module], {}
        paths = [path for _, tree in USE.findall(code) for path, _ in leaves(tree)]
        paths += [tuple(path.split("::")) for path in PATH.findall(USE.sub(" ", code))]
        for path in paths:
            absolute = self.absolute(module, path)
            if absolute is not None:
                home = self.home(absolute)
                if home != module:
                    found.setdefault(home, path[-1])
        return found


def circle(uses, start):
    """The shortest way from a module back to it."""
    ways, front = {start: None}, [start]
    while front:
        following = []
        for module in front:
            for used in sorted(uses[module]):
                if used == start:
                    way = [module]
                    while ways[way[-1]] is not None:
                        way.append(ways[way[-1]])
                    return way[::-1]
                if used not in ways:
                    ways[used] = module
                    following.append(used)
        front = following
    return None


def complaints_about(crate):
    uses = {module: crate.uses(module) for module in crate.files}
    told = set()
    for module in sorted(uses):
        way = circle(uses, module)
        if way is None or told.intersection(way):
            continue
        told.update(way)
        shown = "::".join(module) or "crate"
        for here, there in zip(way, way[1:] + way[:1]):
            shown += f" -> {'::'.join(there) or 'crate'} ({uses[here][there]})"
        yield f"{crate.files[module]}: a circle: {shown}"


folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, SOURCES)
sources = [os.path.relpath(os.path.join(at, name), ROOT) for at, _, names in os.walk(folder)
           for name in names if name.endswith(".rs")]
finish(len(sources), list(complaints_about(Crate(os.path.relpath(folder, ROOT), sources, read))))
