"""Cuts a C header into its parts: comments, directives, declarations.

Only the plain C of our public headers is understood; what is not raises ValueError with its line, so
that a new kind of declaration cannot be left out by silence."""
import re
from collections import namedtuple

# kind: "comment", "directive" or "declaration". text: as it stands. line: its first one. near: no empty
# line between it and what is before it.
Part = namedtuple("Part", "kind text line near")
COMMENT = re.compile(r"/\*.*?\*/", re.S)
DIRECTIVE = re.compile(r"#(?:[^\n\\/]|\\\n|\\.|/(?!\*)|/\*.*?\*/)*", re.S)


def _end_of_declaration(text, start):
    """Behind its `;`, or behind the `}` of a function's body."""
    depth, place, function = 0, start, False
    while place < len(text):
        comment = COMMENT.match(text, place)
        if comment:
            place = comment.end()
            continue
        character = text[place]
        place += 1
        if character in "({":
            if character == "{" and depth == 0:
                function = text[start:place - 1].rstrip().endswith(")")
            depth += 1
        elif character in ")}":
            depth -= 1
            if character == "}" and depth == 0 and function:
                return place
        elif character == ";" and depth == 0:
            return place
    raise ValueError(f"line {text.count(chr(10), 0, start) + 1}: a declaration without an end")


def parts(text):
    place, before = 0, 0
    while place < len(text):
        space = re.compile(r"\s*").match(text, place)
        place = space.end()
        if place == len(text):
            return
        near = text.count("\n", before, place) <= 1
        line = text.count("\n", 0, place) + 1
        frame = re.compile(r'extern "C" \{|\}').match(text, place)
        if frame:  # around all that C++ is to see
            place = before = frame.end()
            continue
        comment = COMMENT.match(text, place)
        directive = DIRECTIVE.match(text, place)
        if comment:
            kind, end = "comment", comment.end()
        elif directive:
            kind, end = "directive", directive.end()
        else:
            kind, end = "declaration", _end_of_declaration(text, place)
        yield Part(kind, text[place:end].rstrip(), line, near)
        place = before = end


def without_comments(text):
    return " ".join(COMMENT.sub(" ", text).split())


def prose(comment):
    """The text of a comment: paragraphs and points of lists ("- ...") with an empty line between them."""
    lines = [re.sub(r"^ ?\s*\*? ?", "", line).rstrip() for line in comment[2:-2].split("\n")]
    blocks = [[]]
    for line in lines:
        if not line.strip():
            blocks.append([])
        elif line.startswith("- "):
            blocks.append([line])
        else:
            blocks[-1].append(line.strip())
    return "\n\n".join(" ".join(block) for block in blocks if block)


def items(body, separator):
    """The members of a struct or an enum: (declaration, text, heading). A comment behind a member is its
    text; one before it is its text if it has none behind it, else a heading of what follows."""
    found, place, pending = [], 0, None
    while place < len(body):
        space = re.compile(rf"[\s{separator}]*").match(body, place)
        same_line = "\n" not in body[place:space.end()]
        place = space.end()
        if place == len(body):
            break
        comment = COMMENT.match(body, place)
        if comment:
            if same_line and found:
                found[-1][1] = prose(comment.group())
            else:
                pending = prose(comment.group())
            place = comment.end()
            continue
        depth, start = 0, place
        while place < len(body) and not (depth == 0 and (body[place] == separator or COMMENT.match(body, place))):
            depth += {"(": 1, ")": -1}.get(body[place], 0)
            place += 1
        found.append([" ".join(body[start:place].split()), None, pending])
        pending = None
    return [(declaration, text or heading or "", heading if text and heading else "")
            for declaration, text, heading in found]
