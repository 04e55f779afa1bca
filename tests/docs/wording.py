"""What the headers' sentences say, for programs: the texts keep to a few ways of saying things (the head
of base.h, and a contract that the tests of the C API keep), and these are read here."""
import re

HANDLE_ERRORS = ["CRECHE_E_BAD_HANDLE", "CRECHE_E_ENDED", "CRECHE_E_FORKED"]
NOT_ON_A_LOOP = "[not on a loop]"
# What a name says less well than a person: out buffers, and what is read and written.
DIRECTIONS = {("creche_completions_release", "completions"): "inout"}
NEVER_BLOCKS = {"creche_loop_next_timeout"}  # though it is not for callbacks
# Said in other words than those that are looked for.
NULLABLE = {("creche_scope_leave", "outcome"), ("creche_task_start", "body"),
            ("creche_error_message", "error"), ("creche_error_is_retryable", "error"),
            ("creche_error_keep", "error"), ("creche_error_release", "error"), ("creche_error_flatten", "error"),
            ("creche_error_new", "cookie_free"), ("creche_pool_query", "args"), ("creche_cookie_jar_clear", "domain"),
            ("creche_response_trailer", "size"), ("creche_cookie_jar_export", "buffer"),
            ("creche_cookie_jar_export", "size")}
BUFFERS = {"buffer", "certificate", "password", "joined", "text", "leaves", "token"}


def statuses_of(text):
    """CRECHE_E_* in their order; "_DNS, _TLS" behind one of them are CRECHE_E_DNS, CRECHE_E_TLS."""
    found, last = [], None
    for match in re.finditer(r"\bCRECHE_(OK|E_[A-Z_]+[A-Z])\b|(?<=[ ,(])_([A-Z][A-Z_]+)\b|the handle errors", text):
        if match[0] == "the handle errors":
            found += HANDLE_ERRORS
        elif match[1]:
            found.append(f"CRECHE_{match[1]}")
            last = match[1]
        elif last and last.startswith("E_"):
            found.append(f"CRECHE_E_{match[2]}")
    return list(dict.fromkeys(found))


def _returns(text):
    """The sentences that say what the call returns (they come last), and those before them."""
    sentences = re.split(r"(?<=\.) (?=[A-Z\[])", text.replace("\n\n", " "))
    for i, sentence in enumerate(sentences):
        if re.match(r"Returns?\b|They return\b|Further statuses|With CRECHE_OK\b", sentence):
            return " ".join(sentences[i:]), " ".join(sentences[:i])
    return "", text


SAME = re.compile(r"^(\[not on a loop\] )?The same\b|\bas above\b|\bFurther statuses\b|\bReturns? as that\b")


def _like(said, text, previous):
    """Functions of which it is said that this one does, returns or fails as they do. previous: the name of
    the one before it in the header, which is "the same" and "above"."""
    found = re.findall(r"\b(?:[Aa]s|those of) (creche_\w+)", said)
    if previous and SAME.search(text):
        found.append(previous)
    return list(dict.fromkeys(found))


def facts(entry, section, previous):
    text = entry["text"]
    returned, rest = _returns(text)
    if not returned and entry["returns"] == "creche_status":
        returned = _returns(section["text"])[0] or text
    tagged = re.search(r"(^|[.:] )\[not on a loop\]", text)
    since = re.search(r"[Ss]ince\s(\d+\.\d+)", text)
    status = entry["returns"] == "creche_status"
    told = {"thread": "not on a loop" if tagged else "any",
            "blocks": bool(tagged) and entry["name"] not in NEVER_BLOCKS,
            "since": since[1] if since else None,
            "statuses": list(dict.fromkeys(["CRECHE_OK"] + statuses_of(returned))) if status else [],
            "statuses_as": _like(returned, text, previous) if status else [],
            "failures": [s for s in statuses_of(rest) if s != "CRECHE_OK"],
            "failures_as": [n for n in _like(rest, text, previous) if n != "creche_task_spawn"]}
    if SAME.match(text) and previous:
        named = re.match(r"The same as (creche_\w+)", text)
        told["same_as"] = named[1] if named else previous
    if "async-signal-safe" in text:
        told["signal_safe"] = True
    return told


def _ends_as(text):
    """Of a call that waits: the functions whose completions' failures it returns."""
    said = re.search(r"the failures of (?:(creche_\w+)(?: and (creche_\w+))?|the two)", text)
    if not said:
        return []
    if said[1]:
        return [name for name in said.groups() if name]
    return list(re.search(r"\bas (creche_\w+) and (creche_\w+) do", text).groups())


def resolve_statuses(functions):
    """Adds what is said by "as another function does"."""
    by_name = {f["name"]: f for f in functions}
    waits = {f["name"]: _ends_as(f["text"]) for f in functions if f["blocks"]}

    def all_of(name, key, seen):
        if name in seen or name not in by_name:
            return []
        f = by_name[name]
        found = list(f[key])
        for other in f[f"{key}_as"]:
            found += all_of(other, key, seen | {name})
            if key == "statuses" and f["blocks"] and other in by_name and by_name[other]["starts_task"]:
                found += all_of(other, "failures", seen)
        for other in waits.get(name, []) if key == "statuses" else []:
            found += all_of(other, "failures", seen) + all_of(other, "statuses", seen | {name})
        return list(dict.fromkeys(found))

    for key in ("statuses", "failures"):
        resolved = {name: all_of(name, key, frozenset()) for name in by_name}
        for name, found in resolved.items():
            by_name[name][f"all_{key}"] = found
    for f in functions:
        for key in ("statuses", "failures"):
            f[key] = f.pop(f"all_{key}")
        if not f["starts_task"]:
            del f["failures"], f["failures_as"]


def arguments_told(entry):
    text = " " + entry["text"].replace("\n\n", " ")
    told = []
    for argument in entry["arguments"]:
        name, kind = argument["name"], argument["type"]
        one = {"name": name, "type": kind, "direction": _direction(entry["name"], name, kind)}
        if ("*" in kind or kind.endswith("_fn")) and _nullable(entry, name, kind, text):
            one["nullable"] = True
        said = re.search(rf"(?:[.;]|^) {name}: (.*?\.)(?= [A-Z\[a-z]|$)", text)
        if said:
            one["text"] = said[1]
        told.append(one)
    return told


def _direction(function, name, kind):
    if (function, name) in DIRECTIONS:
        return DIRECTIONS[function, name]
    if "(*)" in kind or not kind.endswith("*"):
        return "in"
    pointed = kind[:-1].strip()
    if pointed.startswith("const ") and not pointed.endswith("*"):
        return "in"
    if pointed.endswith("*const"):
        return "in"
    if pointed == "void" and name not in BUFFERS:
        return "in"
    return "out"


def _nullable(entry, name, kind, text):
    """Whether the text says that it may be NULL (what every option, callback and user pointer may be)."""
    if entry["name"].endswith("_init"):
        return False
    if (entry["name"], name) in NULLABLE or name in ("options", "done") or kind == "void *" or \
            (name == "task" and kind == "creche_task *" and entry["arguments"][-1]["name"] == "task"):
        return True
    return bool(re.search(rf"\b{name}\b[^.;:]{{0,40}}\(may be NULL|\b{name}\b[^.;]{{0,12}} may be NULL"
                          rf"|\b{name}: [^.]*NULL|\b{name} NULL:|\b{name} \((which )?may be NULL", text))


def of_whom(text):
    """The field that an enum's constants are for, or None: "creche_loop_options.run"."""
    said = re.match(r"(?:on_timeout of|(creche_\w+\.\w+)|Flags of (creche_\w+))", text)
    return (said[1] or said[2]) if said else None


def handle_facts(structs, functions):
    """What is done with a handle when it is needed no more."""
    for s in structs:
        if not s["handle"]:
            continue
        release = f"{s['name']}_release"
        s["is_scope"] = s["name"] == "creche_scope" or s["fields"][0]["name"] == "scope"
        s["release"] = release if release in functions else None


GIVES = re.compile(r"value: (?:a )?(creche_\w+), CRECHE_OWNED|value is the (token) \(CRECHE_OWNED\)"
                   r"|CRECHE_OWNED, to be given up by (creche_value_release)")


def ownership(functions, structs):
    """Who has to give what back: of each argument that a handle is stored in, and of each completion that
    brings one ("gives")."""
    releases = {s["name"]: s["release"] for s in structs if s["handle"]}
    by_name = {f["name"]: f for f in functions}
    for f in functions:
        for argument in f["arguments"]:
            release = releases.get(argument["type"].removesuffix(" *"))
            if argument["direction"] == "out" and release:
                argument["release"] = release
            elif argument["direction"] == "out" and argument["type"] == "const creche_error **" and argument["name"] == "error":
                argument["release"] = "creche_error_release"
        said = GIVES.search(f["text"])
        if said and f["starts_task"]:
            handle = said[1] or (said[2] and "creche_token")
            f["gives"] = {"handle": handle, "release": releases[handle] if handle else said[3]}
    refers = re.compile(r"(?:The rest as|completion is that of|rows on this connection, as) (creche_\w+)")
    for _ in range(2):  # a function may refer to one that itself refers to another
        for f in functions:
            said = refers.search(f["text"])
            other = by_name.get(f.get("same_as") or said and said[1] or "", {})
            if f["starts_task"] and "gives" in other and not re.search("(no|without) rows", f["text"]):
                f.setdefault("gives", other["gives"])
