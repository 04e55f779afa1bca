#!/usr/bin/env python3
"""creche.json holds what the headers and the library have, and says the same as a compiler and as the
debug information of the library. usage: check_json.py CRECHE.JSON LIBCRECHE.SO [C-COMPILER]"""
import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as xml

HERE = os.path.dirname(os.path.realpath(__file__))
INCLUDE = os.path.join(HERE, "..", "..", "include")
AGAIN = {"creche_loop_poll", "creche_queue_wait"}
passed, failed = 0, 0


def expect(good, complaint):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    if not good:
        print(complaint)


def same(what, found, wanted):
    missing, surplus = sorted(set(wanted) - set(found)), sorted(set(found) - set(wanted))
    expect(not missing and not surplus, f"{what}: missing {missing}, too much {surplus}")


def names_in_headers(told):
    """Looked for in the plainest way there is, so that what a parser does not see is seen here."""
    text = ""
    for name in os.listdir(os.path.join(INCLUDE, "creche")):
        if name.endswith(".h"):
            with open(os.path.join(INCLUDE, "creche", name), encoding="utf-8") as file:
                text += re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
    declared = re.sub(r"^\s*#.*(\\\n.*)*$", "", text, flags=re.M)
    functions = [re.search(r"\b(creche_\w+)\s*\(", d)[1]
                 for d in re.findall(r"\b(?:CRECHE_API|CRECHE_INLINE|static inline)\b([^;{]+)", declared)]
    same("functions", [f["name"] for f in told["functions"]], functions)
    same("structs", [s["name"] for s in told["structs"]], re.findall(r"\bstruct (\w+)\s*\{", declared))
    same("constants of enums", [c["name"] for e in told["enums"] for c in e["constants"]],
         re.findall(r"\b(CRECHE_\w+)\s*=", declared))
    same("callbacks", [c["name"] for c in told["callbacks"]],
         re.findall(r"typedef [^;()]*\(\*\s*(\w+)\)\s*\(", declared))
    defines = set(re.findall(r"^#\s*define (CRECHE_\w+|ARROW_FLAG_\w+)\b(?!$)", text, re.M))
    defines = {d for d in defines if not d.endswith("_H")}
    of_ours = {c["name"] for c in told["constants"] + told["macros"]}
    # What is left are attributes in front of declarations, which say nothing of the ABI.
    for name in defines - of_ours:
        means = re.findall(rf"^#\s*define {name}\b(.*)$", text.replace("static inline", ""), re.M)
        expect(all(m.strip() in ("", "CRECHE_API") or "__attribute__" in m for m in means), f"{name} is not told")
    same("macros", of_ours - defines, [])
    same("headers", [h["name"] for h in told["headers"]],
         [f"creche/{n}" for n in os.listdir(os.path.join(INCLUDE, "creche")) if n.endswith(".h")])


def exported(told, library):
    listed = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, text=True, check=True)
    symbols = [line.split()[2].partition("@@")[0] for line in listed.stdout.splitlines() if " A " not in line]
    same("exported symbols", [f["name"] for f in told["functions"] if f["exported"]], symbols)


def declaration(name, kind):
    return kind.replace("(*)", f"(*{name})") if "(*)" in kind else \
        re.sub(r"^(.+?)(\[\d+\])?$", rf"\1 {name}\2", kind)


def probe(told):
    """A translation unit that compiles if all that is told is so."""
    yield "#define CRECHE_NO_INLINE\n#include <stddef.h>\n#include <creche/creche.h>"
    for header in told["headers"]:
        yield f"#include <{header['name']}>"
    arrow = {"ArrowSchema", "ArrowArray"}
    for s in told["structs"]:
        name = f"struct {s['name']}" if s["name"] in arrow else s["name"]
        yield f'_Static_assert(sizeof({name}) == {s["size"]} && _Alignof({name}) == {s["align"]}, "{name}");'
        for f in s["fields"]:
            where = f"{name}.{f['name']}"
            yield f'_Static_assert(offsetof({name}, {f["name"]}) == {f["offset"]}, "{where}");'
            yield (f'_Static_assert(sizeof((({name} *)0)->{f["name"]}) == {f["size"]} && __builtin_types_compatible_p('
                   f'__typeof__((({name} *)0)->{f["name"]}), __typeof__({f["type"]})), "type of {where}");')
    for c in [c for e in told["enums"] for c in e["constants"]] + told["constants"]:
        number = str(c["value"]) + ("u" if c["value"] > 2**63 - 1 else "")
        yield f'_Static_assert({c["name"]} == {number}, "{c["name"]}");'
    for f in told["functions"]:
        given = ", ".join(declaration(a["name"], a["type"]) for a in f["arguments"]) or "void"
        yield f"{f['returns']} {f['name']}({given});"
    for c in told["callbacks"]:
        given = ", ".join(declaration(a["name"], a["type"]) for a in c["arguments"]) or "void"
        yield (f'_Static_assert(__builtin_types_compatible_p({c["name"]}, __typeof__({c["returns"]} (*)({given}))), '
               f'"{c["name"]}");')


def compiled(told, compiler):
    source = "\n".join(probe(told)) + "\n"
    done = subprocess.run([compiler, "-x", "c", "-std=gnu11", "-Wall", "-Werror", "-fsyntax-only", "-I", INCLUDE, "-"], input=source, capture_output=True, text=True)
    expect(done.returncode == 0, f"{compiler} does not agree:\n{done.stderr[:3000]}")


def debug_information(told):
    """libcreche.abi is made from the library's debug information, and another test keeps it so."""
    root = xml.parse(os.path.join(HERE, "..", "abi", "libcreche.abi")).getroot()
    structs = {s["name"]: s for s in told["structs"]}
    seen = set()
    for one in root.iter("class-decl"):
        members = one.findall("data-member")
        if one.get("name") not in structs or not members or one.get("is-declaration-only"):
            continue
        seen.add(one.get("name"))
        s = structs[one.get("name")]
        found = [(m.find("var-decl").get("name"), int(m.get("layout-offset-in-bits")) // 8) for m in members]
        expect(int(one.get("size-in-bits")) == 8 * s["size"] and
               found == [(f["name"], f["offset"]) for f in s["fields"]], f"struct {s['name']} in the library: {found}")
    expect(len(seen) > 60, f"only {len(seen)} structs in libcreche.abi")
    functions = {f["name"]: f for f in told["functions"]}
    found = {one.get("name"): len(one.findall("parameter")) for one in root.iter("function-decl")
             if one.get("elf-symbol-id")}
    same("functions in the library's debug information", [n for n in functions if functions[n]["exported"]], found)
    for name, count in found.items():
        expect(name not in functions or len(functions[name]["arguments"]) == count, f"{name} has {count} parameters")


def sense(told):
    """What the sentences say is understood: each kind of fact is there, and no name is made up."""
    functions = {f["name"]: f for f in told["functions"]}
    constants = {c["name"] for e in told["enums"] for c in e["constants"]}
    structs = {s["name"] for s in told["structs"]}
    for f in told["functions"]:
        if f["exported"]:
            expect(f["text"] and f["since"], f"{f['name']}: no text, or no \"Since\" in it")
        if f["returns"] == "creche_status":
            expect(len(f["statuses"]) > 1, f"{f['name']}: its text names no status")
        unknown = set(f["statuses"] + f.get("failures", [])) - constants
        expect(not unknown, f"{f['name']}: there is no {sorted(unknown)}")
        expect(set(f["statuses_as"] + f.get("failures_as", [])) <= functions.keys(), f"{f['name']}: as whom?")
    with_tag = {n for n, f in functions.items() if f["thread"] != "any"}
    expect({"creche_loop_run", "creche_loop_join", "creche_group_join", "creche_queue_wait"} <= with_tag and
           "creche_error_new" not in with_tag and functions["creche_fetch"]["blocks"], f"thread tags are misread: {sorted(with_tag)}")
    # What starts and what waits is marked; but for waits that come again by themselves, or fill in how much came.
    for n, f in functions.items():
        expect(f["must_check"] or not f["starts_task"], f"{n} starts a task: CRECHE_MUST_CHECK")
        expect(f["must_check"] or not f["blocks"] or n in AGAIN, f"{n} waits: CRECHE_MUST_CHECK")
        expect(not f["must_check"] or f["returns"] == "creche_status", f"{n} has no status to look at")
    for e in told["enums"]:
        struct = (e["of"] or "creche_status").split(".")[0]
        expect(struct in structs or struct in functions or struct == "creche_status", f"an enum of {e['of']}")
    handles = {s["name"]: s for s in told["structs"] if s["handle"]}
    expect(handles["creche_session"]["release"] == "creche_session_release" and
           handles["creche_group"]["is_scope"] and not handles["creche_group"]["release"], "handles are misread")
    given = {n: f["gives"]["release"] for n, f in functions.items() if "gives" in f}
    expect(given.get("creche_session_send") == "creche_response_release" and
           given.get("creche_connection_query") == "creche_rows_release" and
           given.get("creche_limiter_acquire") == "creche_token_release" and "creche_sleep" not in given and
           set(given.values()) <= functions.keys(), f"who owns what is misread: {given}")
    expect([a.get("release") for a in functions["creche_session_open"]["arguments"]] ==
           [None, None, "creche_session_release"], "who owns a session is misread")
    fetch = {a["name"]: a for a in functions["creche_session_fetch"]["arguments"]}
    expect(fetch["task"] == {"name": "task", "type": "creche_task *", "direction": "out", "nullable": True,
                             "text": "may be NULL."}, f"the tail of creche_session_fetch: {fetch['task']}")
    expect("CRECHE_E_DNS" in functions["creche_session_fetch"]["failures"] and
           "CRECHE_E_DNS" in functions["creche_fetch"]["statuses"], "failures of a fetch are misread")


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        told = json.load(file)
    names_in_headers(told)
    exported(told, sys.argv[2])
    compiled(told, sys.argv[3] if len(sys.argv) > 3 else "cc")
    debug_information(told)
    sense(told)
    print(f"{passed} passed, {failed} failed")
    return failed > 0


sys.exit(main())
