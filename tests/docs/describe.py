#!/usr/bin/env python3
"""Writes creche.json: all of the ABI for programs, made from the headers. usage: describe.py FILE

For generators of bindings, and for what documents the library. Its form is told by README.md beside
this file, and `format` changes when what is there changes; keys may be added."""
import json
import sys

from headers import read_all
from layout import Layout, value
from wording import arguments_told, facts, handle_facts, of_whom, ownership, resolve_statuses

TAIL = ["done", "user", "task"]


def function(entry, section, header, previous):
    names = [argument["name"] for argument in entry["arguments"]]
    told = {"name": entry["name"], "header": header, "returns": entry["returns"],
            "arguments": arguments_told(entry), "inline": entry["inline"], "exported": entry["exported"],
            "starts_task": names[-3:] == TAIL, "must_check": entry["must_check"], **facts(entry, section, previous), "text": entry["text"]}
    if "together" in entry:
        told["documented_with"] = [name for name in entry["together"] if name != entry["name"]]
    return told


def struct(entry, header):
    names = [field["name"] for field in entry["fields"]]
    handle = names in (["id"], ["scope"])
    sized = names[0] == "size" and entry["fields"][0]["type"] == "uint32_t" and not handle
    fields = [{key: field[key] for key in ("name", "type", "offset", "size", "text", "heading") if field[key] != ""}
              for field in entry["fields"]]
    return {"name": entry["name"], "header": header, "handle": handle, "sized": sized,
            "size": entry["size"], "align": entry["align"], "fields": fields, "text": entry["text"]}


def describe():
    headers = read_all()
    every = [(header, entry) for header in headers for entry in header.entries]
    layout = Layout({e["name"] for _, e in every if e["kind"] == "callback"},
                    {e["name"]: e["type"] for _, e in every if e["kind"] == "alias"})
    known, functions = {}, {}
    out = {"format": 1, "library": "creche", "version": None, "data_model": "LP64", "headers": [],
           "functions": [], "structs": [], "enums": [], "constants": [], "macros": [], "callbacks": [], "types": []}
    for header, entry in every:
        include = f"creche/{header.name}"
        place = {"header": include, "text": entry["text"]}
        if entry["kind"] == "function":
            if entry["name"] in functions:  # the body of an inline one that has been declared
                continue
            before = out["functions"][-1]["name"] if out["functions"] else None
            told = function(entry, header.sections[entry["section"]], include, before)
            functions[entry["name"]] = told
            out["functions"].append(told)
        elif entry["kind"] == "struct":
            layout.add(entry)
            out["structs"].append(struct(entry, include))
        elif entry["kind"] == "enum":
            for member in entry["members"]:
                known[member["name"]] = value(member["value_text"], known)
            status = entry["members"][0]["name"] == "CRECHE_OK"
            out["enums"].append({
                "of": "creche_status" if status else of_whom(entry["text"]), **place,
                "section": header.sections[entry["section"]]["title"],
                "constants": [{"name": m["name"], "value": known[m["name"]], "text": m["text"],
                               **({"heading": m["heading"]} if m["heading"] else {})} for m in entry["members"]]})
        elif entry["kind"] == "constant":
            number = value(entry["value_text"], known)
            if number is None:
                out["macros"].append({"name": entry["name"], "parameters": "", "means": entry["value_text"], **place})
            else:
                known[entry["name"]] = number
                out["constants"].append({"name": entry["name"], "value": number, "means": entry["value_text"], **place})
        elif entry["kind"] == "macro":
            out["macros"].append({"name": entry["name"], "parameters": entry["parameters"],
                                  "means": entry["value_text"], **place})
        elif entry["kind"] == "callback":
            out["callbacks"].append({"name": entry["name"], "returns": entry["returns"],
                                     "arguments": entry["arguments"], **place})
        else:
            out["types"].append({"name": entry["name"], "type": entry["type"], **place})
    for header in headers:
        names = [[e["name"] for e in header.entries if e["section"] == i and "name" in e]
                 for i in range(len(header.sections))]
        out["headers"].append({
            "name": f"creche/{header.name}", "text": header.text,
            "includes": [f"creche/{name}" for name in header.includes],
            "sections": [{**section, "names": list(dict.fromkeys(names[i]))}
                         for i, section in enumerate(header.sections) if section["text"] or names[i]]})
    resolve_statuses(out["functions"])
    handle_facts(out["structs"], set(functions))
    ownership(out["functions"], out["structs"])
    out["version"] = ".".join(str(known[f"CRECHE_VERSION_{part}"]) for part in ("MAJOR", "MINOR", "PATCH"))
    return out


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        json.dump(describe(), file, indent=1, ensure_ascii=False)
        file.write("\n")


if __name__ == "__main__":
    main()
