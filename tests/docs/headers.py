"""What the public headers declare, as plain dictionaries, in the order in which it stands there."""
import os
import re

from scan import items, parts, prose, without_comments

INCLUDE = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", "..", "include"))
# Macros of ours that stand in front of declarations, and say nothing of types.
MARKS = re.compile(r"\b(?:CRECHE_API|CRECHE_[A-Z_]*|extern|__attribute__\s*\(\(.*?\)\))\s+(?=[a-z])")
SECTION = re.compile(r"/\* ---- ([^\n:.]+?)(?: -{3,}\s*|(?=[:.]))")


def split_arguments(text):
    """At commas that are not inside the arguments of a callback."""
    words, depth = [""], 0
    for character in text:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            words.append("")
        else:
            words[-1] += character
    return [] if text.strip() in ("", "void") else [word.strip() for word in words]


def spaced(kind):
    """One way to write a type: `const char *const *`."""
    kind = re.sub(r"\s*\*\s*", " *", " ".join(kind.split()))
    return kind.replace("*const", "*const ").replace("* *", "**").replace("  ", " ").strip()


def variable(text):
    """A declaration -> (name, C type)"""
    pointer = re.match(r"(.+?) ?\(\*(\w+)\)\((.*)\)$", text)
    if pointer:
        return pointer[2], f"{spaced(pointer[1])} (*)({', '.join(split_arguments(pointer[3])) or 'void'})"
    array = re.match(r"(.+?)\b(\w+)\[(\w+)\]$", text)
    if array:
        return array[2], f"{spaced(array[1])}[{array[3]}]"
    plain = re.match(r"(.+?)(\w+)$", text)
    return plain[2], spaced(plain[1])


def arguments(text):
    return [dict(zip(("name", "type"), variable(word))) for word in split_arguments(text)]


class Header:
    """One header. `entries`: each with "kind" (function, struct, enum, callback, alias, constant, macro),
    "section" (index into `sections`) and "text"."""

    def __init__(self, name):
        self.name = name
        self.includes, self.entries = [], []
        self.sections = [{"title": "", "text": ""}]
        self.text = ""
        self.last = None  # the entry that what is near may share a text with
        with open(os.path.join(INCLUDE, "creche", name), encoding="utf-8") as file:
            self._read(list(parts(file.read())))

    def _read(self, found):
        comment = None  # the one that waits for what it belongs to
        for part in found:
            if part.kind == "comment":
                self._settle(comment)
                section = SECTION.match(part.text)
                comment = part
                if section:
                    self.sections.append({"title": section[1].strip(),
                                          "text": prose("/* " + part.text[section.end():].lstrip(": "))
                                          if part.text[section.end():].strip("-/* \n") else ""})
                    comment, self.last = None, None
                continue
            text = prose(comment.text) if comment and part.near else None
            if comment and text is None:
                self._settle(comment)
            entry = self._directive(part.text) if part.kind == "directive" else self._declaration(part)
            if entry is None:
                if text:  # in front of a directive that says nothing
                    self._settle(comment)
                comment = None
                continue
            comment = None
            if text is None and part.near and self._shares(entry):
                entry["text"] = self.last["text"]
                together = self.last.setdefault("together", [self.last["name"]])
                together.append(entry["name"])
                entry["together"] = together
            else:
                entry["text"] = text or entry.get("text", "")
            entry["section"] = len(self.sections) - 1
            entry["line"] = part.line
            self.last = entry
            self.entries.append(entry)
        self._settle(comment)

    def _shares(self, entry):
        """Functions that follow each other directly have one text. Inline ones have their own."""
        last = self.last
        return last and last["kind"] == entry["kind"] == "function" and not entry["inline"] and not last["inline"]

    def _settle(self, comment):
        """A comment that is nobody's belongs to the header (the first one) or to its section."""
        if comment is None:
            return
        text = prose(comment.text)
        if not self.text and not self.entries and len(self.sections) == 1:
            self.text = re.sub(r"^(creche/\w+\.h|libcreche): ", "", text)
        else:
            self._add_prose(text)

    def _add_prose(self, text):
        section = self.sections[-1]
        section["text"] = "\n\n".join(filter(None, (section["text"], text)))

    def _directive(self, text):
        include = re.match(r'#\s*include "(\w+\.h)"', text)
        if include:
            self.includes.append(include[1])
        define = re.match(r"#\s*define (\w+)(\([^)]*\))?\s+(.+)$", without_comments(text))
        if not define or not re.match(r"(CRECHE|ARROW)_", define[1]) or define[1] == "CRECHE_API" \
                or re.match(r"__attribute__|static inline$|CRECHE_API$", define[3]):
            return None
        behind = re.search(r"/\*.*\*/$", text, re.S)
        return {"kind": "macro" if define[2] else "constant", "name": define[1], "parameters": define[2] or "",
                "value_text": define[3], "text": prose(behind.group()) if behind else ""}

    def _declaration(self, part):
        plain = without_comments(part.text)
        if plain.startswith("enum {"):
            body = part.text[part.text.index("{") + 1:part.text.rindex("}")]
            return {"kind": "enum", "members": [
                dict(zip(("name", "value_text"), map(str.strip, declaration.split("="))), text=text, heading=heading)
                for declaration, text, heading in items(body, ",")]}
        struct = re.match(r"(?:typedef )?struct (\w+) \{", plain)
        if struct:
            body = part.text[part.text.index("{") + 1:part.text.rindex("}")]
            fields = []
            for declaration, text, heading in items(body, ";"):
                name, kind = variable(declaration)
                fields.append({"name": name, "type": kind, "text": text, "heading": heading})
            return {"kind": "struct", "name": struct[1], "fields": fields}
        callback = re.match(r"typedef (.+?) ?\(\*(\w+)\)\((.*)\);$", plain)
        if callback:
            return {"kind": "callback", "name": callback[2], "returns": spaced(callback[1]),
                    "arguments": arguments(callback[3])}
        alias = re.match(r"typedef ([\w ]+?) (\w+);$", plain)
        if alias:
            return {"kind": "alias", "name": alias[2], "type": alias[1]}
        inline = re.match(r"CRECHE_INLINE |static inline ", plain)
        head = plain.split("{")[0].rstrip(";")
        function = re.match(r"(.+?)\b(creche_\w+)\((.*)\)[\w ()]*$", MARKS.sub("", head.replace("static inline ", "")).strip())
        if not function:
            raise ValueError(f"creche/{self.name}:{part.line}: not understood: {plain}")
        return {"kind": "function", "name": function[2], "returns": spaced(function[1]), "inline": bool(inline),
                "exported": not plain.startswith("static inline "),
                "must_check": head.endswith(" CRECHE_MUST_CHECK"), "arguments": arguments(function[3])}


def read_all():
    """All headers in the order in which creche.h includes them."""
    root = Header("creche.h")
    there = sorted(name for name in os.listdir(os.path.join(INCLUDE, "creche")) if name.endswith(".h"))
    order = [root.name] + [name for name in root.includes if name in there]
    headers = [root] + [Header(name) for name in order[1:]]
    headers += [Header(name) for name in there if name not in order]  # a header that is asked for by name
    return headers
