#!/usr/bin/env python3
"""Counts the lines of the classic examples: those with a letter or a digit outside of comments. What only
opens or closes a bracket is none. As a program it says which are longer than their originals, and the table of
all; the last line is "N passed, N failed"."""
import os
import re
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.realpath(os.path.join(HERE, "..", "..", ".."))
TOPICS = {"web": ["session", "timeouts", "as_completed", "fail_fast"],
          "database": ["pool", "cursor", "transaction", "records"],
          "nurseries": ["nursery", "chained", "task_group", "shield"]}
EXAMPLES = [(topic, name) for topic, names in TOPICS.items() for name in names]
FOLDERS = {"original": "tests/examples/classic/original", "cc": "tests/examples/classic", "c": "tests/examples/classic",
           "py": "tests/examples/classic", "rs": "bindings/rust/creche/examples/classic", "go": "bindings/go/examples/classic"}
NAMES = {"original": "original", "cc": "C++", "rs": "Rust", "go": "Go", "py": "Python", "c": "C"}
# C has neither coroutines nor exceptions: its lines are shown, and may be more.
FREE = {"c"}
WIDEST = 100


def path(language, topic):
    return f"{FOLDERS[language]}/{topic}.{'py' if language == 'original' else language}"


def part(language, topic, name):
    """The lines of one example."""
    with open(os.path.join(ROOT, path(language, topic)), encoding="utf-8") as file:
        text = file.read()
    mark = r"^[ \t]*(?:/\*|//|#) ?{}: {}\b[^\n]*\n"
    found = re.search(mark.format("show", name) + "(.*?)" + mark.format("end", name), text, re.S | re.M)
    if not found:
        raise ValueError(f"{path(language, topic)} has no example {name}")
    return found[1].split("\n")


def count(lines, language):
    text = "\n".join(lines)
    text = re.sub(r"^\s*#.*$", "", text, flags=re.M) if language in ("py", "original") else \
        re.sub(r"^\s*//.*$|/\*.*?\*/", "", text, flags=re.M | re.S)
    return sum(bool(re.search(r"\w", line)) for line in text.split("\n"))


def counts(topic, name):
    return {language: count(part(language, topic, name), language) for language in FOLDERS}


def complaints(language):
    """What is longer than its original, or wider than a page."""
    for topic, name in EXAMPLES:
        lines = part(language, topic, name)
        own, original = count(lines, language), count(part("original", topic, name), "original")
        if own > original and language not in FREE:
            yield f"{path(language, topic)}: {name} has {own} lines, its original {original}"
        for line in lines:
            if len(line.expandtabs(4)) > WIDEST:
                yield f"{path(language, topic)}: {name}: a line of more than {WIDEST} columns: {line.strip()}"


def table():
    """As Markdown."""
    languages = list(NAMES)
    rows = [["example"] + [NAMES[language] for language in languages], ["---"] + ["---:"] * len(languages)]
    for topic, name in EXAMPLES:
        found = counts(topic, name)
        rows.append([name.replace("_", " ")] + [str(found[language]) for language in languages])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main():
    wrong = [complaint for language in FOLDERS for complaint in complaints(language)]
    print("\n".join(wrong + [table()]))
    print(f"{len(EXAMPLES) * len(FOLDERS) - len(wrong)} passed, {len(wrong)} failed")
    return len(wrong) > 0


if __name__ == "__main__":
    sys.exit(main())
