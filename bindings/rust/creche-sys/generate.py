#!/usr/bin/env python3
"""Writes src/bindings.rs and tests/facts/mod.rs from the C headers.

  generate.py [--check] [folder with creche/creche.h]

--check changes nothing and says whether the declarations are up to date (texts of comments may lag
behind: then it only says so). Building needs none of this: the
files are committed. What it relies on is the plain shape of the headers, which a lint of theirs
keeps; the tests compare the result with what a C compiler says."""
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
HEADERS = ["base", "hooks", "log", "loop", "scope", "group", "task", "queue", "limiter", "event", "channel", "url",
           "body", "retry", "auth", "cookies", "tls", "response", "middleware", "watch", "sockets", "http", "http2", "events",
           "websocket", "value", "rows", "export", "batch", "copy", "cursor", "listen", "pool_calls", "pg", "transaction",
           "blocking", "metrics", "threads"]
SCALARS = {
    "uint8_t": "u8", "uint16_t": "u16", "uint32_t": "u32", "uint64_t": "u64", "int16_t": "i16",
    "int32_t": "i32", "int64_t": "i64", "size_t": "usize", "double": "f64", "char": "c_char",
    "void": "c_void",
}
KEYWORDS = {name: name + "_" for name in ("in", "type", "loop", "fn")}
ITEM = re.compile(
    r"(?P<comment>/\*.*?\*/)|^\#define[ ]+(?P<define>\w+)[ ]+(?P<value>[^\n/]+?)[ ]*(?:/\*[^\n]*)?$"
    r"|(?P<skip>^CRECHE_INLINE[^;{}]*\{[^\n]*\}$|^CRECHE_INLINE[^;{}]*\{.*?^\}|^\#[^\n]*|^extern[ ]\"C\"[ ]\{|^\})"
    r"|^enum[ ]\{(?P<enum>.*?)^\};|^typedef[ ]struct[ ](?P<struct>\w+)[ ]\{(?P<fields>.*?)\}[ ]\w+;"
    r"|^struct[ ](?P<plain>\w+)[ ]\{(?P<plain_fields>.*?)^\};"
    r"|^typedef[ ](?P<typedef>[^;]+);|^CRECHE_(?:API|INLINE)[ ](?P<function>[^;{]+);",
    re.MULTILINE | re.DOTALL | re.VERBOSE)


def rust_type(text):
    """`const creche_error *const *` -> *const *const creche_error"""
    parts = [p.strip() for p in text.strip().replace("struct ", "").split("*")]
    base = parts[0].replace("const ", "").replace(" const", "").strip()
    const = parts[0].startswith("const ")
    result = SCALARS.get(base, base)
    for part in parts[1:]:
        result = ("*const " if const else "*mut ") + result
        const = part == "const"
    return result


def name_of(name):
    return KEYWORDS.get(name, name)


def declare(text):
    """A declaration of C -> (name, Rust type)"""
    text = " ".join(text.split())
    pointer = re.match(r"(.+?) ?\(\*(\w+)\)\((.*)\)$", text)
    if pointer:
        return pointer[2], f"Option<{function_type(pointer[1], pointer[3])}>"
    array = re.match(r"(.+?) (\w+)\[(\d+)\]$", text)
    if array:
        return array[2], f"[{rust_type(array[1])}; {array[3]}]"
    plain = re.match(r"(.+?)(\w+)$", text)
    return plain[2], rust_type(plain[1])


def arguments(text):
    if text.strip() == "void":
        return ""
    # Commas inside a callback's own arguments do not separate ours.
    words, depth, word = [], 0, ""
    for character in text:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            words.append(word)
            word = ""
        else:
            word += character
    return ", ".join(f"{name_of(n)}: {t}" for n, t in map(declare, words + [word]))


def function_type(result, text):
    answer = "" if result.strip() == "void" else f" -> {rust_type(result)}"
    return f'unsafe extern "C" fn({arguments(text)}){answer}'


def docs(comment, indent=""):
    if not comment:
        return ""
    text = re.sub(r"^/\*|\*/$", "", comment)
    lines = [re.sub(r"^\s*\*? ?", "", line).rstrip() for line in text.split("\n")]
    return "".join(f"{indent}/// {line}".rstrip() + "\n" for line in lines if line)


def number(value):
    value = value.strip()
    limits = {"INT64_MAX": ("i64", "i64::MAX"), "SIZE_MAX": ("usize", "usize::MAX"), "UINT64_MAX": ("u64", "u64::MAX"),
              "UINT32_MAX": ("u32", "u32::MAX")}
    if value in limits:
        return limits[value]
    wide = re.match(r"INT64_C\((\d+)\)$", value)
    if wide:
        return "i64", wide[1]
    plain = re.match(r"(0x[0-9a-f]+|\d+)u?$", value)
    return ("u32", plain[1]) if plain else None


def constants(body):
    for name, value, comment in re.findall(r"(CRECHE_\w+) = (-?\w+),?[ ]*(/\*.*?\*/)?", body, re.DOTALL):
        kind = "creche_status" if re.match(r"CRECHE_(OK|E_\w+)$", name) else "u32"
        yield name, kind, value, comment


class Output:
    def __init__(self):
        self.types, self.functions, self.facts = [], [], []

    def constant(self, name, kind, value, comment):
        self.types.append(f"{docs(comment)}pub const {name}: {kind} = {value};\n")
        self.facts.append((f"const {name}", f"{name} as i128"))

    def struct(self, name, body, comment):
        fields = []
        for text, note in re.findall(r"\s*([^;/]+);[ ]*(/\*.*?\*/)?", body, re.DOTALL):
            field, kind = declare(text)
            fields.append(f"{docs(note, '    ')}    pub {name_of(field)}: {kind},\n")
            self.facts.append((f"offsetof {name} {field}",
                               f"offset_of!({name}, {name_of(field)}) as i128"))
        self.facts.append((f"sizeof {name}", f"size_of::<{name}>() as i128"))
        self.facts.append((f"alignof {name}", f"align_of::<{name}>() as i128"))
        derives = "Clone, Copy, Debug"
        if len(fields) == 1:  # a handle
            derives += ", PartialEq, Eq, Hash, Default"
        self.types.append(f"{docs(comment)}#[repr(C)]\n#[derive({derives})]\n"
                          f"pub struct {name} {{\n{''.join(fields)}}}\n")

    def typedef(self, text, comment):
        text = " ".join(text.split())
        pointer = re.match(r"(.+?) ?\(\*(\w+)\)\((.*)\)$", text)
        if pointer:
            name, kind = pointer[2], f"Option<{function_type(pointer[1], pointer[3])}>"
        else:
            name, kind = declare(text)
        self.types.append(f"{docs(comment)}pub type {name} = {kind};\n")

    def function(self, text, comment):
        text = " ".join(text.split())
        must_use = text.endswith(" CRECHE_MUST_CHECK")
        text = text.removesuffix(" CRECHE_MUST_CHECK")
        found = re.match(r"(.+?)(creche_\w+)\((.*)\)$", text)
        kind = "" if found[1].strip() == "void" else f" -> {rust_type(found[1])}"
        self.functions.append(f"{docs(comment, '    ')}{'    #[must_use]' + chr(10) if must_use else ''}    pub fn {found[2]}({arguments(found[3])}){kind};\n")
        self.facts.append((f"function {found[2]}", f"{found[2]} as *const () as usize as i128"))

    def header(self, text):
        comment, end = None, 0
        for item in ITEM.finditer(text):
            if item["comment"]:
                one = item["comment"]
                if "----" in one.split("\n")[0]:
                    rest = one.split("\n")[1:]
                    one = "/*" + "\n".join(rest) if rest else None
                comment, end = one, item.end()
                continue
            near = comment if text[end:item.start()].strip() == "" \
                and text.count("\n", end, item.start()) <= 1 else None
            comment = None
            if item["define"]:
                value = number(item["value"])
                if value:
                    self.constant(item["define"], *value, near)
            elif item["enum"]:
                for constant in constants(item["enum"]):
                    self.constant(*constant)
            elif item["struct"]:
                self.struct(item["struct"], item["fields"], near)
            elif item["plain"]:
                self.struct(item["plain"], item["plain_fields"], near)
            elif item["typedef"]:
                self.typedef(item["typedef"], near)
            elif item["function"]:
                self.function(item["function"], near)


def code(text):
    return [line for line in text.split("\n") if line.strip() and not line.lstrip().startswith("///")]


def main():
    check = "--check" in sys.argv
    folders = [a for a in sys.argv[1:] if a != "--check"]
    include = folders[0] if folders else os.path.join(HERE, "..", "..", "..", "include")
    output = Output()
    for header in HEADERS:
        with open(os.path.join(include, "creche", header + ".h"), encoding="utf-8") as file:
            output.header(file.read())
    note = "// Written by generate.py from the C headers: change those, and run it again.\n"
    bindings = (note + "use core::ffi::{c_char, c_void};\n\n" + "\n".join(output.types) +
                '\nunsafe extern "C" {\n' + "\n".join(output.functions) + "}\n")
    facts = (note + "use core::mem::{align_of, offset_of, size_of};\nuse creche_sys::*;\n\n"
             "/// What Rust says about each declaration; tests compare it with what C says.\n"
             "#[rustfmt::skip]\npub fn facts() -> Vec<(&'static str, i128)> {\n    vec![\n" +
             "".join(f'        ("{k}", {v}),\n' for k, v in output.facts) + "    ]\n}\n")
    stale = False
    for name, text in (("src/bindings.rs", bindings), ("tests/facts/mod.rs", facts)):
        path = os.path.join(HERE, name)
        old = open(path, encoding="utf-8").read() if os.path.exists(path) else ""
        if old == text:
            continue
        if check:
            same = code(old) == code(text)
            stale = stale or not same
            print(f"{name} {'has older comments than' if same else 'is not what'} the headers"
                  f"{'' if same else ' say'}: run bindings/rust/creche-sys/generate.py")
        else:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
    sys.exit(stale)


main()
