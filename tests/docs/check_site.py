#!/usr/bin/env python3
"""The site is whole: each public name is there, no link leads nowhere, nothing comes from elsewhere, code of
ours in the guide is taken from files, and figures are those of README.md.
usage: check_site.py CRECHE.JSON FOLDER: makes the site there, and looks at it"""
import html.parser
import json
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
GUIDE = os.path.join(ROOT, "tests", "guide")
# Languages of the guide that are not ours to compile: what readers have now, and what they type.
FOREIGN = {"sh", "text", "python", "tree", "trees", "json", "c-before"}
passed, failed = 0, 0


def expect(good, complaint):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    if not good:
        print(complaint)


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.loads, self.text = set(), [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if "id" in attrs:
            if attrs["id"] in self.ids:
                expect(False, f"two elements are {attrs['id']}")
            self.ids.add(attrs["id"])
        if tag == "a" and "href" in attrs:
            self.links.append(attrs["href"])
        elif "href" in attrs or "src" in attrs:
            self.loads.append(attrs.get("href") or attrs.get("src"))

    def handle_data(self, data):
        self.text.append(data)


def links(folder, pages):
    for name, page in pages.items():
        wrong = []
        for link in page.links:
            if re.match(r"https?://", link):
                continue
            file, _, anchor = link.partition("#")
            target = pages.get(file or name)
            if target is None or anchor and anchor not in target.ids:
                wrong.append(link)
        expect(not wrong, f"{name}: these lead nowhere: {wrong[:5]}")
        expect(all(os.path.exists(os.path.join(folder, load)) for load in page.loads), f"{name} loads {page.loads}")
        expect("KEPT" not in "".join(page.text) and "{{ " not in "".join(page.text), f"{name}: something was not filled in")


def names(told, folder, pages):
    every = set(pages["api.html"].links)
    with open(os.path.join(folder, "search-index.js"), encoding="utf-8") as file:
        index = json.loads(re.match(r"const searchIndex = (.*);\n$", file.read(), re.S)[1])
    searched = {entry[0] for entry in index}
    for entry in index:
        file, _, anchor = entry[2].partition("#")
        expect(file in pages and (not anchor or anchor in pages[file].ids), f"the search leads nowhere: {entry}")
    for f in told["functions"]:
        address = f"api-{f['header'][len('creche/'):-2]}.html#{f['name']}"
        expect(address in every and f["name"] in searched, f"{f['name']} is not in the index")
    for key in ("structs", "callbacks", "constants", "macros"):
        for one in told[key]:
            expect(one["name"] in searched, f"{one['name']} cannot be searched for")
    for enum in told["enums"]:
        for constant in enum["constants"]:
            expect(constant["name"] in searched, f"{constant['name']} cannot be searched for")


def guide():
    used = ""
    for name in sorted(os.listdir(GUIDE)):
        if not name.endswith(".md"):
            continue
        with open(os.path.join(GUIDE, name), encoding="utf-8") as file:
            text = file.read()
        used += text
        foreign = {language for language in re.findall(r"^```([\w-]+)", text, re.M)} - FOREIGN
        expect(not foreign, f"tests/guide/{name}: code in {foreign} that nobody compiles: take it from a file")
    for name in os.listdir(GUIDE):
        if name.endswith((".c", ".cc")):
            expect(re.search(rf"\{{\{{ {re.escape(name)}[# ]", used), f"tests/guide/{name} is shown nowhere")


def figures():
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
        rows = {row[1].strip(): row[0] for row in re.findall(r"^(\|([^|\n]+)\|.*)$", file.read(), re.M)}
    with open(os.path.join(GUIDE, "measured.json"), encoding="utf-8") as file:
        measured = json.load(file)
    for name, one in measured.items():
        row = rows.get(one["row"], "").replace(",", "")
        there = set(re.findall(r"(?<![\w.])\d+(?:\.\d+)?", row))
        wrong = [value for value in [one["ours"]] + [value for _, value in one["peers"]] if str(value) not in there]
        expect(row and not wrong, f"measured.json: {name}: README.md does not say {wrong}")
        expect(all(peer.split(" ")[-1] in row for peer, _ in one["peers"]), f"measured.json: {name}: other peers")


def main():
    folder = sys.argv[2]
    shutil.rmtree(folder, ignore_errors=True)
    made = subprocess.run([sys.executable, os.path.join(ROOT, "tests", "docs", "website.py"), sys.argv[1], folder],
                          capture_output=True, text=True)
    if made.stderr.startswith("skipped:"):
        print(made.stderr.rstrip())
        return 77
    expect(made.returncode == 0, made.stderr)
    with open(sys.argv[1], encoding="utf-8") as file:
        told = json.load(file)
    pages = {}
    for name in sorted(os.listdir(folder)):
        if name.endswith(".html"):
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                pages[name] = Page(file.read())
    links(folder, pages)
    names(told, folder, pages)
    guide()
    figures()
    print(f"{passed} passed, {failed} failed")
    return failed > 0


sys.exit(main())
