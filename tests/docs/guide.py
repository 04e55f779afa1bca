"""The pages of the guide: Markdown, with code that is taken from files which the tests compile and run.

  {{ name.c }}, {{ name.c#part }}    a file of tests/guide (or ../examples/...); of it what stands between
                                     the comments "show: part" and "end: part"
  {{ classic: topic#name }}          an example of tests/examples/classic in all languages, with its lines;
                                     {{ classic: lines }}: the table of all
  {{ picture: file.svg | what it shows }}
  {{ bars: name }}                   a chart of a row of measured.json; {{ counts: key }} one of counts.json
  ```tree a caption                  a tree of scopes, by indented lines: "label : state, remark"
  ::: compare that | this            two pieces of code side by side, until a line ":::\""""
import html
import json
import os
import re
import sys
import textwrap

import markdown

import colour
import pictures

sys.path.append(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "examples", "classic"))
import lines as classic

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
GUIDE = os.path.join(ROOT, "tests", "guide")
FENCE = re.compile(r"^```(\w*) ?([^\n]*)\n(.*?)^```$", re.S | re.M)
INCLUDE = re.compile(r"^\{\{ *([\w./-]+\.\w+)(?:#(\w+))? *\}\}$", re.M)
LANGUAGES = {".c": "c", ".cc": "cpp", ".hpp": "cpp", ".cpp": "cpp", ".py": "python", ".rs": "rust", ".go": "go",
             ".js": "javascript", ".sh": "sh", ".rb": "ruby", ".java": "java", ".lua": "lua"}
ORIGINALS = {"web": "aiohttp", "database": "asyncpg", "nurseries": "Trio"}
# Languages that code stands in as it is: what a reader has now. What is ours is included from files.
SHOWN = {"sh", "text", "python", "json", "c-before", "tree", "trees", ""}


def piece(name, part):
    with open(os.path.join(GUIDE, name), encoding="utf-8") as file:
        text = file.read()
    if part:
        mark = r"^[ \t]*(?:/\*|//|#) ?{} {}\b[^\n]*\n"
        found = re.search(mark.format("show:", part) + "(.*?)" + mark.format("end:", part), text, re.S | re.M)
        if not found:
            raise ValueError(f"tests/guide/{name} has no part {part}")
        text = textwrap.dedent(found[1])
    return re.sub(r"^[ \t]*(?:/\*|//|#) ?(?:show|end): \w+[^\n]*\n", "", text, flags=re.M).strip("\n")


class Guide:
    def __init__(self, reference, site):
        self.reference, self.site = reference, site
        with open(os.path.join(GUIDE, "measured.json"), encoding="utf-8") as file:
            self.measured = json.load(file)
        with open(os.path.join(ROOT, "tests", "bench", "counts.json"), encoding="utf-8") as file:
            self.counts = json.load(file)

    def included(self, name, part, label=""):
        language = LANGUAGES.get(os.path.splitext(name)[1], "text")
        return colour.block(piece(name, part), language, self.reference.link, label)

    def figure(self, language, caption, text):
        if language == "tree":
            return pictures.tree(text, caption)
        if language == "trees":  # several, with their captions in lines "--- caption"
            parts = re.split(r"^--- ?(.*)\n", text, flags=re.M)[1:]
            return '<div class="row">' + "".join(pictures.tree(t, c) for c, t in zip(parts[::2], parts[1::2])) + "</div>"
        return colour.block(text, language.replace("c-before", "c"), self.reference.link)

    def compare(self, match):
        left, right = match[1].strip(), match[2].strip()
        blocks = [(FENCE.match(part), INCLUDE.match(part)) for part in
                  re.findall(r"^```.*?^```$|^\{\{.*?\}\}$", match[3], re.S | re.M)]
        out = []
        for (fence, include), label in zip(blocks, (left, right)):
            out.append(self.included(include[1], include[2], label) if include else
                       colour.block(fence[3], fence[1].replace("c-before", "c"), lambda name: None, label))
        return self.keep('<div class="compare">' + "".join(out) + "</div>")

    def classic(self, match):
        topic, name = match[1], match[2]
        out = []
        for language, label in classic.NAMES.items():
            file = os.path.relpath(os.path.join(ROOT, classic.path(language, topic)), GUIDE)
            if language == "original":
                label = "asyncio" if name == "task_group" else ORIGINALS[topic]
            out.append(self.included(file, name, f"{label}, {classic.counts(topic, name)[language]} lines"))
        return self.keep('<div class="compare">' + "".join(out) + "</div>")

    def chart(self, match):
        kind, key = match[1], match[2].strip()
        if kind == "counts":
            rows = [(name, path[key], True) for name, path in self.counts["paths"].items() if key in path]
            return self.keep(pictures.bars("Instructions for one operation", rows, "instructions, whole process"))
        row = self.measured[key]
        bars = [("libcreche", row["ours"], True)] + [(name, value, False) for name, value in row["peers"]]
        return self.keep(pictures.bars(row["title"], bars, row["unit"], row.get("more_is_better", False)))

    def picture(self, match):
        with open(os.path.join(GUIDE, match[1]), encoding="utf-8") as file:
            told = html.escape(match[2].strip())
            svg = file.read().replace("<svg ", f'<svg role="img" aria-label="{told}" ', 1)
        return self.keep(f'<figure class="drawn">{svg}<figcaption>{told}</figcaption></figure>')

    def keep(self, text):
        self.kept.append(text)
        return f"\n\nKEPT{len(self.kept) - 1}KEPT\n\n"

    def html(self, text):
        self.kept = []
        text = re.sub(r"^::: compare ([^|\n]+)\|([^\n]+)\n(.*?)^:::$", self.compare, text, flags=re.S | re.M)
        text = re.sub(r"^\{\{ *classic: *(\w+)#(\w+) *\}\}$", self.classic, text, flags=re.M)
        text = re.sub(r"^\{\{ *classic: *lines *\}\}$", lambda _: classic.table(), text, flags=re.M)
        text = re.sub(r"^\{\{ *picture: *([\w.]+) *\|([^}]+)\}\}$", self.picture, text, flags=re.M)
        text = FENCE.sub(lambda m: self.keep(self.figure(m[1], m[2], m[3])), text)
        text = INCLUDE.sub(lambda m: self.keep(self.included(m[1], m[2])), text)
        text = re.sub(r"^\{\{ *(bars|counts): *([^}]+)\}\}$", self.chart, text, flags=re.M)
        converter = markdown.Markdown(extensions=["tables", "toc", "attr_list", "sane_lists", "md_in_html"])
        out = converter.convert(text)
        out = re.sub(r"<p>KEPT(\d+)KEPT</p>", lambda m: self.kept[int(m[1])], out)
        out = re.sub(r"<code>((?:creche|CRECHE)_\w+)</code>", lambda m: self.named(m[1]), out)
        out = out.replace("<table>", '<div class="wide"><table>').replace("</table>", "</table></div>")
        return re.sub(r'href="([\w-]+)\.md(#[\w-]+)?"', r'href="\1.html\2"', out), converter.toc_tokens

    def named(self, name):
        address = self.reference.link(name)
        return f'<a href="{address}"><code>{name}</code></a>' if address else f"<code>{name}</code>"

    def page(self, file, title, text):
        body, tokens = self.html(text)
        address = file[:-3] + ".html"
        first = re.search(r"^# .*\n+([^\n#][^\n]+)", text)
        if file != "index.md":
            self.site.entry(title, "guide", address, re.sub(r"[*`\[\]]|\(.*?\)", "", first[1])[:120] if first else "")
            for token in tokens[0]["children"] if tokens else []:
                self.site.entry(html.unescape(token["name"]), "guide", f"{address}#{token['id']}", title)
            pages = self.site.guide
            at = [p[0] for p in pages].index(address)
            ways = ""
            if at > 0:
                ways += f'<a href="{pages[at - 1][0]}">← {html.escape(pages[at - 1][1])}</a>'
            if at + 1 < len(pages):
                ways += f'<a class="next" href="{pages[at + 1][0]}">{html.escape(pages[at + 1][1])} →</a>'
            body += f'<div class="onward">{ways}</div>'
        self.site.write(address, title, body, first[1] if first else "")
