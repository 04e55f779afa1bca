#!/usr/bin/env python3
"""Draws what bench.py has measured, one SVG for each benchmark. usage: chart.py FILE.json FOLDER

Needs matplotlib (tests/bench/run.sh installs it: build-bench/venv/bin/python tests/bench/chart.py ...)."""

import json
import os
import sys

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "creche"  # the same figures make the same file
from matplotlib import pyplot  # noqa: E402 pylint: disable=wrong-import-position

OURS, PEERS = "#1f6f78", "#b9c4c9"


def draw(name, rows, folder):
    unit = rows[0]["unit"]
    better = "more" if unit.endswith("/s") else "less"
    bars = [("creche", rows[0]["ours"])] + [(r["peer_name"], r["peer"]) for r in rows]
    bars.sort(key=lambda bar: bar[1], reverse=better == "more")
    names, values = [bar[0] for bar in bars], [bar[1] for bar in bars]
    figure, axes = pyplot.subplots(figsize=(7, 0.9 + 0.34 * len(bars)))
    drawn = axes.barh(names, values, color=[OURS if n == "creche" else PEERS for n in names])
    axes.bar_label(drawn, labels=[f"{v:,.4g}" if v < 1000 else f"{v:,.0f}" for v in values], padding=4)
    axes.invert_yaxis()
    axes.margins(x=0.14)
    axes.set_xlabel(f"{unit} ({better} is better)")
    axes.set_title(name.replace("_", " "), loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(os.path.join(folder, f"{name}.svg"), metadata={"Date": None})
    pyplot.close(figure)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as file:
        rows = [row for row in json.load(file) if row["peer_name"] != "budget"]
    os.makedirs(sys.argv[2], exist_ok=True)
    by_name = {}
    for row in rows:
        by_name.setdefault(row["name"], []).append(row)
    for name, of_it in by_name.items():
        draw(name, of_it, sys.argv[2])
    print(f"{len(by_name)} charts in {sys.argv[2]}")


main()
