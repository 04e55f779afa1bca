"""Pictures as SVG, drawn from data: trees of scopes, and charts of what was measured. They take their
colours from the page that they stand in."""
import html
import re

ROW, STEP, GAP = 40, 26, 8
STATES = {"done", "failed", "cancelled", "shield", "open", "waiting"}
# How wide a character is, about, in the font of the pictures.
WIDE = 7.3


def _nodes(text):
    """Lines, indented by two blanks for each level: `label : state, remark`."""
    for line in text.rstrip().split("\n"):
        depth = (len(line) - len(line.lstrip())) // 2
        label, _, rest = line.strip().partition(" : ")
        states = [word for word in re.split(r"[ ,]+", rest) if word in STATES]
        # What is open says only what there is to say beside that.
        yield depth, label, (states or ["open"])[0], re.sub(r"^open(, )?", "", rest)


def tree(text, caption):
    nodes = list(_nodes(text))
    height = ROW * len(nodes)
    shapes, width, last = [], 0, {}
    for row, (depth, label, state, rest) in enumerate(nodes):
        x, y = depth * STEP + 1, row * ROW + 4
        box = int(max(len(label) * WIDE + 22, 60))
        if depth:
            top = last[depth - 1] * ROW + 4 + 28
            shapes.append(f'<path d="M{x - 14} {top}V{y + 14}H{x}"/>')
        shapes.append(f'<rect class="{state}" x="{x}" y="{y}" width="{box}" height="28" rx="7"/>'
                      f'<text x="{x + 11}" y="{y + 19}">{html.escape(label)}</text>')
        if rest:
            shapes.append(f'<text class="note {state}" x="{x + box + GAP}" y="{y + 19}">{html.escape(rest)}</text>')
        last[depth] = row
        width = max(width, x + box + GAP + len(rest) * 6.6 + sum(c.isupper() or c == '_' for c in rest) * 1.6 + 4)
    told = html.escape(caption or "A tree of scopes")
    return (f'<figure class="tree"><svg viewBox="0 0 {width:.0f} {height}" width="{width:.0f}" height="{height}" role="img" '
            f'aria-label="{told}">{"".join(shapes)}</svg>'
            + (f"<figcaption>{html.escape(caption)}</figcaption>" if caption else "") + "</figure>")


def number(value):
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:,.3g}"


def bars(title, rows, unit, more_is_better=False):
    """rows: (name, value, whether it is ours). A bar each, the best on top."""
    rows = sorted(rows, key=lambda row: row[1], reverse=more_is_better)
    longest = max(row[1] for row in rows)
    height, out = 34, []
    for i, (name, value, ours) in enumerate(rows):
        y = i * height
        long = max(value / longest * 250, 2)
        out.append(f'<text class="name" x="0" y="{y + 12}">{html.escape(name)}</text>'
                   f'<rect class="{"ours" if ours else "peer"}" x="0" y="{y + 17}" width="{long:.1f}" height="10" rx="3"/>'
                   f'<text class="figure" x="{long + 7:.1f}" y="{y + 26}">{number(value)}</text>')
    better = "more" if more_is_better else "less"
    told = "; ".join(f"{name} {number(value)}" for name, value, _ in rows)
    return (f'<figure class="chart"><figcaption>{html.escape(title)} <small>{html.escape(unit)}, {better} is better'
            f'</small></figcaption><svg viewBox="0 0 330 {len(rows) * height}" role="img" '
            f'aria-label="{html.escape(title)}: {html.escape(told)}">{"".join(out)}</svg></figure>')
