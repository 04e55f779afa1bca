"""Reads what callgrind writes: whose instructions they were."""
import re


def by_object(path):
    """Instructions by shared object (its path), without what each calls."""
    names, costs = {}, {}
    current, called = "", False
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            named = re.match(r"(c?ob)=\((\d+)\)(?: (.*))?", line)
            if named:
                kind, number, name = named.groups()
                if name is not None:
                    names[number] = name.strip()
                if kind == "ob":
                    current = names.get(number, "")
            elif line.startswith("calls="):
                called = True  # the next line has what the callee cost
            elif line[:1].isdigit() or line[:1] in "+-*":
                if not called:
                    costs[current] = costs.get(current, 0) + int(line.split()[1])
                called = False
    return costs
