#!/usr/bin/env python3
"""Writes the site: pages without a server, of the guide and the reference. usage: website.py CRECHE.JSON FOLDER"""
import json
import os
import re
import sys

from reference import Reference
from shell import Site

# The order in which a new user reads them; others follow by their names.
ORDER = ["first-program", "structured-concurrency", "timeouts", "pools", "streams", "transactions", "testing",
         "coming-from", "side-by-side", "bindings", "performance"]


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    try:
        from guide import GUIDE, Guide
    except ModuleNotFoundError as error:
        if error.name != "markdown":
            raise
        sys.exit("skipped: no site: it needs the package python3-markdown")
    with open(sys.argv[1], encoding="utf-8") as file:
        told = json.load(file)
    site = Site(sys.argv[2], told["version"])
    reference = Reference(told, site)
    texts = {}
    for name in os.listdir(GUIDE):
        if name.endswith(".md"):
            with open(os.path.join(GUIDE, name), encoding="utf-8") as file:
                texts[name] = file.read()
    titles = {name: re.match(r"# (.+)", text)[1].replace("`", "") for name, text in texts.items()}
    order = [f"{name}.md" for name in ORDER if f"{name}.md" in texts]
    order += sorted(set(texts) - set(order) - {"index.md"})
    site.guide = [(name[:-3] + ".html", titles[name]) for name in order]
    site.reference = [(reference.file(h["name"]), h["name"][len("creche/"):]) for h in told["headers"]
                      if h["name"] != "creche/creche.h"]
    guide = Guide(reference, site)
    for name in ["index.md"] + order:
        guide.page(name, titles[name], texts[name])
    reference.write()
    site.finish()
    print(f"{len(order) + 1} pages of the guide, {len(site.reference) + 1} of the reference: "
          f"{os.path.join(sys.argv[2], 'index.html')}")


if __name__ == "__main__":
    main()
