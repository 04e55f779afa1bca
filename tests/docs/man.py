#!/usr/bin/env python3
"""Writes the manual pages from creche.json. usage: man.py CRECHE.JSON FOLDER

Section 3: a page for each function (those with one text share a page, the others are links to it), struct
and callback; section 7: one for each header, and creche(7). The date is that of SOURCE_DATE_EPOCH, if that
is set."""
import json
import os
import re
import sys
import time

import mdoc

HERE = os.path.dirname(os.path.realpath(__file__))


def gist(text, otherwise):
    """The first sentence, as the line that tells what a page is about."""
    text = re.sub(r"^\[not on a loop\] ", "", text.split("\n\n")[0])
    text = re.split(r"(?<=[^.])\. (?=[A-Za-z\[(])|\.$|: (?=[a-z0-9])|; ", text)[0].replace(" in `in`", "").replace("`", "")
    if len(text) > 110:
        text = re.split(r"[,(]", text)[0].strip()
    first = text.split(" ")[0]
    if first[1:] == first[1:].lower() and not first.isupper() or first == "A":
        text = text[:1].lower() + text[1:]
    return text.rstrip(".") or otherwise


class Manual:
    def __init__(self, told):
        self.told, self.pages = told, {}
        self.functions = {f["name"]: f for f in told["functions"]}
        self.structs = {s["name"]: s for s in told["structs"]}
        self.constants = {c["name"]: c for e in told["enums"] for c in e["constants"]}
        when = time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", time.time())))
        self.date = time.strftime("%B ", when) + f"{when.tm_mday}, {when.tm_year}"

    def topic(self, header):
        return "creche" if header == "creche/creche.h" else "creche_" + header[len("creche/"):-2]

    def write(self, name, section, parts, names, what):
        self.pages[f"man{section}/{name}.{section}"] = mdoc.page(
            name, section, self.date, parts, names, what, self.told["version"])

    def link(self, name, to, section):
        self.pages.setdefault(f"man3/{name}.3", f".so man{section}/{to}.{section}\n")

    def types_in(self, entry):
        for kind in [a["type"] for a in entry.get("arguments", [])] + [entry.get("returns", "")]:
            for name in re.findall(r"\bcreche_\w+", kind):
                if name in self.structs and not self.structs[name]["handle"] or name.endswith("_fn"):
                    yield name, 3

    def mentioned(self, text, but):
        for name in re.findall(r"\bcreche_\w+", text):
            if name in self.functions and name not in but:
                yield name, 3

    def synopsis(self, header, functions):
        lines = [f".In {header}"]
        for f in functions:
            lines += [f".Ft {mdoc.quoted(f['returns'])}", f".Fo {f['name']}"]
            for a in f["arguments"]:
                lines.append(f".Fa {mdoc.quoted(declaration(a['name'], a['type']))}")
            lines += ([] if f["arguments"] else [".Fa void"]) + [".Fc"]
        return "\n".join(lines)

    def status_list(self, names):
        return mdoc.tagged((f"Dv {n}", self.constants[n]["text"]) for n in names)

    def function(self, f):
        together = [f] + [self.functions[n] for n in f.get("documented_with", [])]
        names = [one["name"] for one in together]
        for other in names[1:]:
            self.link(other, f["name"], 3)
        text = f["text"]
        description = mdoc.prose(text)
        same = f.get("same_as")
        if same:
            description = f"This is a variant of\n.Xr {same} 3 .\n.Pp\n{description}"
        if f["starts_task"]:
            description += ("\n.Pp\nIt starts a task and returns at once: with \\fBCRECHE_OK\\fP exactly one final completion "
                            "follows, to\n.Fa done ,\nor for\n.Dv NULL\nto the queue of the nearest scope that has one.")
        returns = ""
        if f["returns"] == "creche_status":
            returns = "One of these, \\fBCRECHE_OK\\fP or a negative number;\n.Xr creche_last_error 3\nsays more:\n" + \
                self.status_list(f["statuses"]) + \
                ("\n.Pp\nIt has to be looked at; compilers warn." if f["must_check"] else "")
        completion = ""
        if f.get("failures"):
            completion = "What it starts may fail, in its completion, with these among others:\n" + \
                self.status_list(f["failures"])
        if "gives" in f:
            completion = (completion + "\n.Pp\n" if completion else "") + (
                f"Its value is {'a' if f['gives']['handle'] else 'a handle'} {f['gives']['handle'] or ''}, if it has "
                f"\\fBCRECHE_OWNED\\fP: it is yours then, for\n.Xr {f['gives']['release']} 3 .").replace(" ,", ",")
        where = "It may be called from any thread, callbacks included."
        if f["thread"] != "any":
            where = ("It must not be called in a callback of a loop: there it returns "
                     "\\fBCRECHE_E_WOULD_DEADLOCK\\fP.")
        if f["blocks"]:
            where += "\nIt blocks."
        if f.get("signal_safe"):
            where += "\nIt may be called in a signal handler."
        see = list(self.types_in(f)) + list(self.mentioned(text, names)) + [(self.topic(f["header"]), 7)]
        self.write(f["name"], 3, [
            ("SYNOPSIS", self.synopsis(f["header"], together)), ("DESCRIPTION", description),
            ("RETURN VALUES", returns), ("COMPLETION", completion), ("THREADS", where),
            ("SEE ALSO", mdoc.references(see)),
            ("HISTORY", f"Since version {f['since']}." if f["since"] else "")],
            names, gist(self.functions[same]["text"] if same else text, "makes a value"))

    def struct(self, s):
        if s["handle"]:
            self.link(s["name"], self.topic(s["header"]), 7)
            return
        fields = "\n".join(f"    {declaration(f['name'], f['type'])};" for f in s["fields"])
        enums = [e for e in self.told["enums"] if (e["of"] or "").split(".")[0] == s["name"]]
        described = [(f"Va {f['name']}", "\n\n".join(filter(None, (f.get("heading"), f.get("text")))))
                     for f in s["fields"] if f.get("text") or f.get("heading")]
        parts = mdoc.prose(s["text"])
        if described:
            parts += "\n.Pp\nThe fields:\n" + mdoc.tagged(described)
        for e in enums:
            parts += f"\n.Ss Values of {e['of'].split('.')[1]}\n" + self.values(e)
        init = f"{s['name']}_init"
        users = [(f["name"], 3) for f in self.told["functions"] if s["name"] in
                 " ".join(a["type"] for a in f["arguments"]) and "documented_with" not in f][:12]
        if init in self.functions:
            parts += (f"\n.Pp\nIt is set to its defaults by\n.Xr {init} 3 ,\nwhich is to be told its size, "
                      "and grows at its end in later versions.")
        self.write(s["name"], 3, [
            ("SYNOPSIS", f".In {s['header']}\n" + mdoc.display(
                f"typedef struct {s['name']} {{\n{fields}\n}} {s['name']};" if s["name"].startswith("creche_") else
                f"struct {s['name']} {{\n{fields}\n}};")),
            ("DESCRIPTION", parts), ("SEE ALSO", mdoc.references(users + [(self.topic(s["header"]), 7)]))],
            [s["name"]], gist(s["text"], self.purpose(s)))

    def purpose(self, s):
        """Of a struct without a text: what takes it."""
        takers = [f["name"] for f in self.told["functions"] if f"const {s['name']} *" in
                  [a["type"] for a in f["arguments"]]]
        what = "options" if s["name"].endswith("_options") else "an argument"
        return f"{what} of {takers[0]}" + (" and others" if takers[1:] else "") if takers else \
            "a part of " + s["header"]

    def values(self, enum):
        return mdoc.tagged((f"Dv {c['name']} No = {c['value']}", c["text"]) for c in enum["constants"])

    def callback(self, c):
        given = ", ".join(declaration(a["name"], a["type"]) for a in c["arguments"])
        code = f"typedef {c['returns']} (*{c['name']})({given});"
        self.write(c["name"], 3, [
            ("SYNOPSIS", f".In {c['header']}\n{mdoc.display(code)}"), ("DESCRIPTION", mdoc.prose(c["text"])),
            ("SEE ALSO", mdoc.references(list(self.mentioned(c["text"], [])) + [(self.topic(c["header"]), 7)]))],
            [c["name"]], gist(c["text"], "a callback of libcreche"))

    def header(self, h):
        name = self.topic(h["name"])
        parts = [mdoc.prose(h["text"][:1].upper() + h["text"][1:])]
        for section in h["sections"]:
            if section["title"]:
                parts.append(f".Ss {mdoc.escape(section['title'])}")
            if section["text"]:
                parts.append(mdoc.prose(section["text"]))
            rows = []
            for one in section["names"]:
                f, s = self.functions.get(one), self.structs.get(one)
                if f:
                    text = f["text"] if "same_as" not in f else self.functions[f["same_as"]]["text"]
                    rows.append((f"Xr {one} 3", gist(text, "")))
                elif s:
                    rows.append((f"Vt {one}", s["text"]) if s["handle"] else
                                (f"Xr {one} 3", gist(s["text"], self.purpose(s))))
            if rows:
                parts += ["" if not section["text"] and not section["title"] and not h["text"] else ".Pp", mdoc.tagged(rows)]
        for e in self.told["enums"]:
            if e["header"] == h["name"]:
                title = f"Values of {e['of']}" if e["of"] else "Constants"
                text = "" if e["of"] and e["text"].rstrip(":.").endswith(e["of"]) else mdoc.prose(e["text"]) + "\n"
                parts.append(f".Ss {title}\n{text}{self.values(e)}")
        constants = [c for c in self.told["constants"] + self.told["macros"] if c["header"] == h["name"]]
        if constants:
            parts.append(".Ss Macros\n" + mdoc.tagged((f"Dv {c['name']}" + (
                f" No = {c['value']}" if "value" in c else ""), c["text"]) for c in constants))
        self.write(name, 7, [("SYNOPSIS", f".In {h['name']}"), ("DESCRIPTION", "\n".join(p for p in parts if p)),
                             ("SEE ALSO", mdoc.references([("creche", 7)]))],
                   [name], gist(h["text"], "a header of libcreche"))

    def overview(self, text):
        parts, example = [], []
        for part in re.split(r"^# ", text, flags=re.M)[1:]:
            title, _, body = part.partition("\n")
            parts.append((title, mdoc.prose(body.strip().replace("\n- ", "\n\n- "))))
        topics = [(self.topic(h["name"]), h["text"]) for h in self.told["headers"] if h["name"] != "creche/creche.h"]
        parts.insert(-1, ("HEADERS", "\n".join([mdoc.tagged((f"Xr {n} 7", gist(t, "")) for n, t in topics)])))
        with open(os.path.join(HERE, "..", "guide", "first.c"), encoding="utf-8") as file:
            example = re.sub(r"^ *//.*\n|^/\*.*?\*/\n", "", file.read(), flags=re.M | re.S)
        parts += [("EXAMPLES", "URLs of the command line, ten seconds for all of them:\n" + mdoc.display(example)),
                  ("SEE ALSO", mdoc.references((n, 7) for n, _ in topics))]
        self.write("creche", 7, [("SYNOPSIS", ".In creche/creche.h\n.Pp\ncc program.c $(pkg-config --cflags --libs creche)")]
                   + parts, ["creche"], "HTTP and PostgreSQL with structured concurrency, for any language that can call C")


def declaration(name, kind):
    if "(*)" in kind:
        return kind.replace("(*)", f"(*{name})")
    array = re.match(r"(.+)(\[\d+\])$", kind)
    if array:
        return f"{array[1]} {name}{array[2]}"
    return kind + ("" if kind.endswith("*") else " ") + name


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as file:
        manual = Manual(json.load(file))
    told = manual.told
    shared = set()
    for f in told["functions"]:
        if f["name"] not in shared:
            manual.function(f)
            shared |= set(f.get("documented_with", []))
    for s in told["structs"]:
        manual.struct(s)
    for c in told["callbacks"]:
        manual.callback(c)
    for h in told["headers"]:
        if h["name"] != "creche/creche.h":
            manual.header(h)
    manual.link("creche_status", "creche_base", 7)
    with open(os.path.join(HERE, "overview.txt"), encoding="utf-8") as file:
        manual.overview(file.read())
    for path, text in manual.pages.items():
        path = os.path.join(sys.argv[2], path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


if __name__ == "__main__":
    main()
