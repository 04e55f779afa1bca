"""The pages of the reference: one for each header, and one with everything by name."""
import html
import re

from colour import highlight
from man import declaration, gist

WORD = re.compile(r"`([^`]+)`|(?<![\w/])(creche_\w+|CRECHE_\w+\*?|Arrow(?:Schema|Array))\b")


class Reference:
    def __init__(self, told, site):
        self.told, self.site = told, site
        self.functions = {f["name"]: f for f in told["functions"]}
        self.structs = {s["name"]: s for s in told["structs"]}
        self.where = {}
        for key in ("functions", "structs", "callbacks", "types", "constants", "macros"):
            for one in told[key]:
                self.where[one["name"]] = f"{self.file(one['header'])}#{one['name']}"
        for enum in told["enums"]:
            for constant in enum["constants"]:
                self.where[constant["name"]] = f"{self.file(enum['header'])}#{constant['name']}"

    @staticmethod
    def file(header):
        return "api-" + header[len("creche/"):-2] + ".html"

    def link(self, name):
        return self.where.get(name)

    def inline(self, text, but=""):
        """Text with names as links, and what stands in backticks as code."""
        def one(match):
            name = match[1] or match[2]
            address = self.link(name) if name != but else None
            code = f"<code>{name}</code>"
            return f'<a href="{address}">{code}</a>' if address else code
        return WORD.sub(one, html.escape(text, quote=False))

    def prose(self, text, but=""):
        out, points = [], []
        for block in text.split("\n\n") + [""]:
            if block.startswith("- "):
                points.append(f"<li>{self.inline(block[2:], but)}</li>")
                continue
            if points:
                out.append(f"<ul>{''.join(points)}</ul>")
                points = []
            if block:
                out.append(f"<p>{self.inline(block, but)}</p>")
        return "\n".join(out)

    def code(self, text):
        return f'<pre class="signature" tabindex="0"><code>{highlight(text, "c", self.link)}</code></pre>'

    def statuses(self, names):
        return ", ".join(f'<a href="{self.where[n]}"><code>{n[len("CRECHE_"):]}</code></a>' for n in names)

    def function(self, f):
        arguments = [declaration(a["name"], a["type"]) for a in f["arguments"]] or ["void"]
        head = f["returns"] + ("" if f["returns"].endswith("*") else " ") + f["name"] + "("
        one_line = head + ", ".join(arguments) + ");"
        text = one_line if len(one_line) < 60 else head + "\n    " + ",\n    ".join(arguments) + ");"
        marks = [("Blocks" if f["blocks"] else "Not on a loop", "warn")] if f["thread"] != "any" else []
        marks += [("Look at its status", "warn")] if f["must_check"] else []
        marks += [("Signal-safe", "good")] if f.get("signal_safe") else []
        marks += [("Starts a task", "")] if f["starts_task"] else []
        marks += [("Inline", "")] if f["inline"] else []
        badges = "".join(f'<span class="mark {kind}">{mark}</span>' for mark, kind in marks)
        facts = ""
        if f["returns"] == "creche_status":
            facts += f"<dt>Returns</dt><dd>{self.statuses(f['statuses'])}</dd>"
        if f.get("failures"):
            facts += f"<dt>Completes also with</dt><dd>{self.statuses(f['failures'])}</dd>"
        if "gives" in f:
            facts += (f'<dt>Gives</dt><dd>{self.inline(f["gives"]["handle"] or "a handle")}, for '
                      f'{self.inline(f["gives"]["release"])}</dd>')
        same = f' <p class="same">As {self.inline(f["same_as"])}:</p>' if f.get("same_as") else ""
        self.site.entry(f["name"], "function", self.where[f["name"]], self.gist(f))
        return (f'<section class="item" id="{f["name"]}"><h3><a href="#{f["name"]}">{f["name"]}</a> {badges}</h3>'
                f'{self.code(text)}{same}{self.prose(f["text"], f["name"])}'
                + (f'<dl class="facts">{facts}</dl>' if facts else "") + "</section>")

    def gist(self, f):
        text = self.functions[f["same_as"]]["text"] if "same_as" in f else f["text"]
        return gist(text, "")

    def struct(self, s):
        if s["handle"]:
            more = "a scope" if s["is_scope"] else "given back by " + self.inline(s["release"]) if s["release"] else ""
            self.site.entry(s["name"], "handle", self.where[s["name"]], gist(s["text"], more))
            return (f'<section class="item" id="{s["name"]}"><h3><a href="#{s["name"]}">{s["name"]}</a> '
                    f'<span class="mark">Handle</span></h3><p>A handle{": " + more if more else ""}.</p>'
                    f'{self.prose(s["text"])}</section>')
        self.site.entry(s["name"], "struct", self.where[s["name"]], gist(s["text"], ""))
        rows = ""
        for field in s["fields"]:
            if field.get("heading"):
                rows += f'<p class="heading">{self.inline(field["heading"])}</p>'
            name, kind = field["name"], field["type"]
            rows += (f'<div class="field" id="{s["name"]}.{name}"><code>{highlight(declaration(name, kind), "c", self.link)}'
                     f'</code><span class="offset" title="offset in bytes">{field["offset"]}</span>'
                     f'<div>{self.inline(field.get("text", ""))}</div></div>')
        return (f'<section class="item" id="{s["name"]}"><h3><a href="#{s["name"]}">{s["name"]}</a> '
                f'<span class="mark">{"Sized struct" if s["sized"] else "Struct"}, {s["size"]} bytes</span></h3>'
                f'{self.prose(s["text"])}<div class="fields">{rows}</div></section>')

    def enum(self, e):
        rows = ""
        for c in e["constants"]:
            if c.get("heading"):
                rows += f'<p class="heading">{self.inline(c["heading"])}</p>'
            rows += (f'<div class="field" id="{c["name"]}"><code>{c["name"]}</code>'
                     f'<span class="offset">{c["value"]}</span><div>{self.inline(c["text"])}</div></div>')
            self.site.entry(c["name"], "constant", self.where[c["name"]], c["text"][:90])
        title = f"Values of <code>{e['of']}</code>" if e["of"] else "Constants"
        if e["of"] in self.where:
            title = f'Values of <a href="{self.where[e["of"]]}"><code>{e["of"]}</code></a>'
        told = "" if e["of"] and e["text"].rstrip(":.").endswith(e["of"]) else self.prose(e["text"])
        return f'<section class="item"><h3>{title}</h3>{told}<div class="fields">{rows}</div></section>'

    def callback(self, c):
        given = ", ".join(declaration(a["name"], a["type"]) for a in c["arguments"])
        self.site.entry(c["name"], "callback", self.where[c["name"]], gist(c["text"], ""))
        return (f'<section class="item" id="{c["name"]}"><h3><a href="#{c["name"]}">{c["name"]}</a> '
                f'<span class="mark">Callback</span></h3>'
                f'{self.code("typedef %s (*%s)(%s);" % (c["returns"], c["name"], given))}'
                f'{self.prose(c["text"], c["name"])}</section>')

    def macro(self, c):
        means = re.sub(r"^INT64_C\((\d+)\)$", r"\1", c["means"])
        self.site.entry(c["name"], "macro", self.where[c["name"]], c["text"][:90])
        return (f'<div class="field macro" id="{c["name"]}"><code>{c["name"]}{html.escape(c.get("parameters", ""))}</code>'
                f'<span class="offset">{html.escape(means)}</span><div>{self.inline(c["text"])}</div></div>')

    def header(self, h):
        file = self.file(h["name"])
        self.site.entry(h["name"], "header", file, gist(h["text"], ""))
        body = [f"<h1><code>{h['name']}</code></h1>", self.prose(h["text"][:1].upper() + h["text"][1:])]
        names = [n for section in h["sections"] for n in section["names"]
                 if n in self.functions or n in self.structs and not self.structs[n]["handle"]]
        if len(names) > 1:
            body.append('<ul class="toc">' + "".join(f'<li><a href="#{n}"><code>{n}</code></a></li>' for n in names) + "</ul>")
        callbacks = {c["name"]: c for c in self.told["callbacks"]}
        macros = {c["name"]: c for c in self.told["constants"] + self.told["macros"]}
        for section in h["sections"]:
            if section["title"]:
                body.append(f'<h2>{html.escape(section["title"])}</h2>')
            body.append(self.prose(section["text"]))
            mine = [macros[n] for n in section["names"] if n in macros]
            if mine:
                body.append('<div class="fields">' + "".join(self.macro(c) for c in mine) + "</div>")
            for name in section["names"]:
                if name in self.functions:
                    body.append(self.function(self.functions[name]))
                elif name in self.structs:
                    body.append(self.struct(self.structs[name]))
                elif name in callbacks:
                    body.append(self.callback(callbacks[name]))
            enums = [e for e in self.told["enums"] if e["header"] == h["name"] and e["section"] == section["title"]]
            body += [self.enum(e) for e in enums]
        for t in self.told["types"]:
            if t["header"] == h["name"]:
                body.append(f'<section class="item" id="{t["name"]}"><h3>{t["name"]}</h3>{self.code("typedef %s %s;" % (t["type"], t["name"]))}</section>')
        self.site.write(file, h["name"], "\n".join(b for b in body if b), gist(h["text"], h["name"]))

    def everything(self):
        body = ["<h1>Everything, by name</h1>",
                "<p>All functions of the library, by header. What is here is made from the headers, which are the "
                "manual; the same is installed as manual pages (<code>man creche_group_open</code>, "
                "<code>man 7 creche</code>) and, for programs, as <code>share/creche/creche.json</code>.</p>"]
        for h in self.told["headers"]:
            names = [f for f in self.told["functions"] if f["header"] == h["name"]]
            structs = [s for s in self.told["structs"] if s["header"] == h["name"] and not s["handle"]]
            if not names and not structs:
                continue
            text = gist(h["text"], "")
            body.append(f'<h2><a href="{self.file(h["name"])}"><code>{h["name"]}</code></a></h2><p>{self.inline(text[:1].upper() + text[1:])}.</p>'
                        '<dl class="names">')
            for f in names:
                body.append(f'<dt><a href="{self.where[f["name"]]}"><code>{f["name"]}</code></a></dt>'
                            f'<dd>{self.inline(self.gist(f))}</dd>')
            for s in structs:
                body.append(f'<dt><a href="{self.where[s["name"]]}"><code>{s["name"]}</code></a></dt>'
                            f'<dd>{self.inline(gist(s["text"], "struct"))}</dd>')
            body.append("</dl>")
        self.site.write("api.html", "Everything, by name", "\n".join(body))

    def write(self):
        for h in self.told["headers"]:
            if h["name"] != "creche/creche.h":
                self.header(h)
        self.everything()
