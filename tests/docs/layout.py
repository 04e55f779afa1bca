"""Sizes, alignments and offsets, as the platforms that libcreche supports have them (LP64), and the
values of constants. Computed, so that nothing has to be compiled for it, for whatever machine; a test
compares it with what a compiler says, and with the debug information of the library."""
import re

SCALARS = {"char": 1, "int8_t": 1, "uint8_t": 1, "int16_t": 2, "uint16_t": 2, "int": 4, "int32_t": 4,
           "uint32_t": 4, "int64_t": 8, "uint64_t": 8, "size_t": 8, "double": 8, "float": 4}
LIMITS = {"INT64_MAX": 2**63 - 1, "INT64_MIN": -2**63, "UINT64_MAX": 2**64 - 1, "SIZE_MAX": 2**64 - 1,
          "UINT32_MAX": 2**32 - 1, "INT32_MAX": 2**31 - 1, "UINT16_MAX": 2**16 - 1}


class Layout:
    """callbacks: names of function types; aliases: name -> type."""

    def __init__(self, callbacks, aliases):
        self.callbacks, self.aliases, self.structs = callbacks, aliases, {}

    def of(self, kind):
        """C type -> (size, alignment)"""
        array = re.match(r"(.+)\[(\d+)\]$", kind)
        if array:
            size, alignment = self.of(array[1])
            return size * int(array[2]), alignment
        if "*" in kind or kind in self.callbacks:
            return 8, 8
        kind = re.sub(r"^(const|struct) ", "", kind)
        if kind in self.aliases:
            return self.of(self.aliases[kind])
        if kind in SCALARS:
            return SCALARS[kind], SCALARS[kind]
        return self.structs[kind]

    def add(self, struct):
        """Gives a struct and its fields their sizes and offsets."""
        offset, widest = 0, 1
        for field in struct["fields"]:
            size, alignment = self.of(field["type"])
            offset += -offset % alignment
            field["offset"], field["size"] = offset, size
            offset += size
            widest = max(widest, alignment)
        struct["size"], struct["align"] = offset + -offset % widest, widest
        self.structs[struct["name"]] = struct["size"], widest


def value(text, known):
    """An integer constant expression, or None for anything else. known: name -> value, of those before."""
    text = re.sub(r"\bU?INT(?:64|32)_C\((\w+)\)", r"\1", text)
    text = re.sub(r"\b(0x[0-9a-fA-F]+|\d+)[uUlL]+\b", r"\1", text)
    names = set(re.findall(r"\b[A-Za-z_]\w*\b", re.sub(r"\b0x[0-9a-fA-F]+", "", text)))
    values = {**LIMITS, **known}
    if not names <= values.keys() or not re.fullmatch(r"[\w\s()+*|<>-]+", text):
        return None
    return eval(text, {"__builtins__": {}}, values)  # numbers, names of numbers and operators only
