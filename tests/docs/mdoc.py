"""Text as mdoc(7) has it, the language of manual pages."""
import re

# Ends of sentences: the next one stands on a line of its own, so that it is set with more space.
SENTENCE = re.compile(r"(?<=[^.][.!?]) (?=[A-Z\"(\[])")
MARKED = re.compile(r"`([^`]+)`|\b(creche_\w+|CRECHE_\w+\*?|NULL)\b")


def escape(text):
    text = text.replace("\\", "\\e")
    text = "".join(c if ord(c) < 128 else f"\\[u{ord(c):04X}]" for c in text)
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.M)


def marked(text):
    """Names of ours in bold, names of arguments in italics."""
    def font(match):
        return f"\\fI{match[1]}\\fP" if match[1] else f"\\fB{match[2]}\\fP"
    return re.sub(r"^([.'])", r"\\&\1", MARKED.sub(font, escape(text)), flags=re.M)


def quoted(text):
    """An argument of a macro."""
    return '"' + escape(text).replace('"', "\\(dq") + '"'


def sentences(text):
    return "\n".join(line for line in (marked(s).strip() for s in SENTENCE.split(text)) if line)


def prose(text):
    """Paragraphs and points, with an empty line between them."""
    out, in_list, first = [], False, True
    for block in text.split("\n\n"):
        if not block.strip():
            continue
        if block.startswith("- "):
            if not in_list:
                out.append(".Bl -bullet")
            in_list = True
            out += [".It", sentences(block[2:])]
            continue
        if in_list:
            out.append(".El")
        elif not first:
            out.append(".Pp")
        if in_list:
            out.append(".Pp")
        in_list, first = False, False
        out.append(sentences(block))
    if in_list:
        out.append(".El")
    return "\n".join(out)


def tagged(rows):
    """rows: (term, text)"""
    lines = [".Bl -tag -width Ds"]
    for term, text in rows:
        lines.append(f".It {term}")
        if text:
            lines.append(prose(text))
    return "\n".join(lines + [".El"]) if len(lines) > 1 else ""


def display(code):
    return ".Bd -literal -offset indent\n" + escape(code.rstrip("\n")) + "\n.Ed"


def references(names):
    """names: (page, section), in the order that the manual of mdoc wants."""
    names = sorted(set(names), key=lambda n: (n[1], n[0]))
    return "\n".join(f".Xr {name} {section}" + (" ," if i < len(names) - 1 else "")
                     for i, (name, section) in enumerate(names))


def page(name, section, date, parts, names, what, version):
    """parts: (title of a section, mdoc), in the customary order; those without text are left out."""
    head = [f".Dd {date}", f".Dt {name.upper()} {section}", f".Os {quoted('libcreche ' + version)}", ".Sh NAME"]
    head += [f".Nm {n}" + (" ," if n != names[-1] else "") for n in names] + [f".Nd {escape(what)}"]
    body = [f".Sh {title}\n{text}" for title, text in parts if text]
    text = re.sub(r"\n{2,}", "\n", "\n".join(head + body) + "\n")
    # No paragraph begins where one begins anyhow.
    return re.sub(r"(?m)^\.Pp\n(?=\.(Bl|Bd|Sh|Ss|Pp))|(?<=^)(\.S[hs] .*\n)\.Pp\n", r"\2", text)
