"""What all pages of the site have: the head, the way around, the search."""
import html
import json
import os

HERE = os.path.dirname(os.path.realpath(__file__))


class Site:
    """pages: (file, title) of the guide, and of the reference, in their order."""

    def __init__(self, folder, version):
        self.folder, self.version = folder, version
        self.guide, self.reference = [], []
        self.index = []  # of the search: [name, what it is, address, in a few words]
        os.makedirs(folder, exist_ok=True)

    def entry(self, name, kind, address, gist=""):
        self.index.append([name, kind, address, gist])

    def _list(self, pages, current):
        return "".join(f'<li><a href="{file}"{" aria-current=page" if file == current else ""}>{html.escape(title)}</a></li>'
                       for file, title in pages)

    def write(self, file, title, body, description=""):
        ways = (f'<p>Guide</p><ul>{self._list(self.guide, file)}</ul>'
                f'<p>Reference</p><ul><li><a href="api.html"{" aria-current=page" if file == "api.html" else ""}>'
                f'Everything, by name</a></li>{self._list(self.reference, file)}</ul>')
        full = title if "libcreche" in title else f"{title} · libcreche"
        text = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="description" content="{html.escape(description or title)}">
<title>{html.escape(full)}</title>
<link rel="icon" href="icon.svg">
<link rel="stylesheet" href="style.css">
<script src="search-index.js" defer></script>
<script src="search.js" defer></script>
</head>
<body>
<a class="skip" href="#content">To the text</a>
<header>
<a class="brand" href="index.html">libcreche <small>{self.version}</small></a>
<div class="search" role="search">
<input id="search" type="search" placeholder="Search" aria-label="Search" autocomplete="off" spellcheck="false"
 role="combobox" aria-expanded="false" aria-controls="results" aria-autocomplete="list">
<ul id="results" role="listbox" hidden></ul>
</div>
</header>
<div class="page">
<nav aria-label="All pages"><details><summary>All pages</summary>{ways}</details><div class="ways">{ways}</div></nav>
<main id="content">
{body}
</main>
</div>
</body>
</html>
"""
        with open(os.path.join(self.folder, file), "w", encoding="utf-8") as out:
            out.write(text)

    def finish(self):
        with open(os.path.join(self.folder, "search-index.js"), "w", encoding="utf-8") as out:
            out.write("const searchIndex = " + json.dumps(self.index, ensure_ascii=False, separators=(",", ":"))
                      .replace("],[", "],\n[") + ";\n")
        for name in ("style.css", "search.js", "icon.svg"):
            with open(os.path.join(HERE, "site", name), encoding="utf-8") as source, \
                    open(os.path.join(self.folder, name), "w", encoding="utf-8") as out:
                out.write(source.read())
