// Search without a server: all names of the site are in search-index.js.
"use strict";
const input = document.getElementById("search");
const results = document.getElementById("results");
const kept = searchIndex.map((entry) => ({ entry, name: entry[0].toLowerCase(), all: (entry[0] + " " + entry[3]).toLowerCase() }));
let selected = -1;

// Lower is better; null: not found.
function rank(item, words) {
  let sum = 0;
  for (const word of words) {
    const at = item.name.indexOf(word);
    if (item.name === word || item.name === "creche_" + word) sum += 0;
    else if (at === 0 || (at === 7 && item.name.startsWith("creche_"))) sum += 1;
    else if (at > 0) sum += "_/ .".includes(item.name[at - 1]) ? 2 : 4;
    else if (item.all.includes(word)) sum += 8;
    else return null;
  }
  const kinds = { guide: 0, function: 0, header: 0.2, handle: 0.4, struct: 0.5, callback: 0.6, macro: 0.7, constant: 0.8 };
  if (item.name.includes(words.join(" "))) sum -= 2;
  return sum + (kinds[item.entry[1]] ?? 1) + item.name.length / 1000;
}

function find(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [];
  return kept.map((item) => [rank(item, words), item.entry]).filter(([value]) => value !== null)
    .sort((a, b) => a[0] - b[0]).slice(0, 30).map(([, entry]) => entry);
}

function show() {
  const found = find(input.value);
  results.replaceChildren(...found.map(([name, kind, address, gist], i) => {
    const item = document.createElement("li");
    item.id = "result-" + i;
    item.setAttribute("role", "option");
    const link = document.createElement("a");
    link.href = address;
    link.tabIndex = -1;
    link.textContent = name;
    const more = document.createElement("small");
    more.textContent = gist ? kind + ": " + gist : kind;
    link.append(more);
    item.append(link);
    return item;
  }));
  if (found.length === 0 && input.value.trim()) {
    const nothing = document.createElement("li");
    nothing.className = "nothing";
    nothing.textContent = "Nothing has that name.";
    results.append(nothing);
  }
  const open = input.value.trim() !== "";
  results.hidden = !open;
  input.setAttribute("aria-expanded", String(open));
  select(found.length > 0 ? 0 : -1);
}

function select(index) {
  const options = results.querySelectorAll("[role=option]");
  selected = options.length === 0 ? -1 : (index + options.length) % options.length;
  options.forEach((option, i) => option.setAttribute("aria-selected", String(i === selected)));
  if (selected >= 0) {
    input.setAttribute("aria-activedescendant", options[selected].id);
    options[selected].scrollIntoView({ block: "nearest" });
  } else {
    input.removeAttribute("aria-activedescendant");
  }
}

function close() {
  results.hidden = true;
  input.setAttribute("aria-expanded", "false");
}

input.addEventListener("input", show);
input.addEventListener("focus", () => input.value && show());
input.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown") select(selected + 1);
  else if (event.key === "ArrowUp") select(selected - 1);
  else if (event.key === "Enter" && selected >= 0) results.querySelectorAll("[role=option] a")[selected].click();
  else if (event.key === "Escape") close();
  else return;
  event.preventDefault();
});
results.addEventListener("click", close);
document.addEventListener("click", (event) => {
  if (!event.target.closest(".search")) close();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !event.ctrlKey && !event.metaKey && document.activeElement !== input) {
    event.preventDefault();
    input.focus();
  }
});
