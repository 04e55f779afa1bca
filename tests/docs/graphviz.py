#!/usr/bin/env python3
"""The live tree of a program as Graphviz draws it (CRECHE_DUMP_DOT), for the guide: tests/guide/tree.svg.

  graphviz.py PROGRAM           draws the tree that `PROGRAM dot` prints, on standard output: needs `dot`
  graphviz.py PROGRAM --check   whether tree.svg still says what the program does: needs no `dot`

The picture is kept with the sources, as the page must be the same where there is no Graphviz, and making the site
runs no program of the library. Colours are left to the page."""
import html
import os
import re
import subprocess
import sys

PICTURE = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "guide", "tree.svg")


def dumped(program):
    printed = subprocess.run([program, "dot"], capture_output=True, text=True, check=True).stdout
    return printed[printed.index("digraph"):printed.index("\n}\n") + 3]


def drawn(dot):
    svg = subprocess.run(["dot", "-Tsvg"], input=dot, capture_output=True, text=True, check=True).stdout
    svg = re.sub(r"<!--.*?-->\n?|<title>.*?</title>\n?", "", svg[svg.index("<svg"):], flags=re.S)
    svg = re.sub(r'<polygon fill="white".*?/>\n', "", svg)  # the paper
    svg = re.sub(r' (?:id|class|xmlns:xlink|font-family)="[^"]*"', "", svg)
    return svg.replace('"black"', '"currentColor"')


def words(dot):
    """Of all nodes, line by line, in order of their lines; times may be others the next time."""
    labels = "\n".join(re.findall(r'label="(.*?)"\];', dot)).replace("\\n", "\n")
    return sorted(labels.split("\n"))


def main():
    dot = dumped(sys.argv[1])
    if "--check" not in sys.argv:
        print(drawn(dot), end="")
        return 0
    with open(PICTURE, encoding="utf-8") as file:
        shown = sorted(html.unescape(text) for text in re.findall(r"<text[^>]*>(.*?)</text>", file.read()))
    if shown != words(dot):
        print(f"tests/guide/tree.svg shows\n{shown}\nbut it is\n{words(dot)}")
        return 1
    print("the same")
    return 0


sys.exit(main())
