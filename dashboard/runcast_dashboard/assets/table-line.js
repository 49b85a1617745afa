// A row of the table as it is on the screen: a group's head, or a run's cells, which are made once and filled with one run
// after another.

import { button, element, write } from "./dom.js";
import { CURVE, progress, textOf } from "./table-columns.js";

const SVG = "http://www.w3.org/2000/svg";

export function groupLine({ title, runs, shut }, onToggle) {
  const toggle = button("t-group", `${shut ? "Open" : "Close"} the group ${title}`, onToggle,
    element("i", shut ? "t-fold shut" : "t-fold"), element("b", "", title), element("span", "muted", `${runs.toLocaleString("en")} ${runs === 1 ? "run" : "runs"}`));
  toggle.setAttribute("aria-expanded", String(!shut));
  toggle.dir = "auto";
  const root = element("div", "t-line t-grouped", toggle);
  root.setAttribute("role", "row");
  return { root, toggle, group: true };
}

export function runLine(columns, onOpen) {
  const line = { cells: [] };
  line.check = element("input", "t-check");
  line.check.type = "checkbox";
  line.check.tabIndex = -1;
  line.dot = element("i", "t-dot");
  line.link = element("a", "t-name");
  line.link.tabIndex = -1;
  line.link.dir = "auto";
  line.link.onclick = (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
    event.preventDefault();
    onOpen(line.item.id);
  };
  line.bar = element("i", "t-progress");
  line.said = element("span", "t-state");
  const name = element("div", "t-cell t-pin", line.check, line.dot, line.link, line.said, line.bar);
  name.setAttribute("role", "rowheader");
  line.root = element("div", "t-line", name);
  line.root.setAttribute("role", "row");
  for (const column of columns) {
    const cell = element("div", column.right ? "t-cell right" : "t-cell");
    cell.setAttribute("role", "gridcell");
    cell.style.width = `${column.width}px`;
    if (column.id === CURVE) cell.append(curve());
    line.cells.push(cell);
    line.root.append(cell);
  }
  return line;
}

// Without `run` nothing is known of it yet but its id.
export function fill(line, columns, { id, run, selected, href }) {
  line.root.classList.toggle("selected", selected);
  line.root.setAttribute("aria-selected", String(selected));
  line.check.checked = selected;
  line.link.href = href;
  line.root.classList.toggle("loading", !run);
  write(line.link, run ? run.name : id);
  line.link.title = run ? (run.name === id ? id : `${run.name} (${id})`) : id;
  line.check.setAttribute("aria-label", `Select ${run ? run.name : id}`);
  const state = run?.gone ? "deleted" : (run?.state ?? "");
  if (line.dot.dataset.state !== state) line.dot.dataset.state = state;
  line.dot.title = state;
  write(line.said, state && state !== "running" && state !== "finished" ? state : "");
  const part = run ? progress(run) : null;
  line.bar.hidden = part === null;
  if (part !== null) {
    line.bar.style.setProperty("--part", part.toFixed(4));
    line.bar.title = `${Math.round(100 * part)} % of what its config says`;
  }
  columns.forEach((column, at) => {
    const cell = line.cells[at];
    if (column.id === CURVE) return drawCurve(cell.firstChild, run?.curve ?? []);
    if (column.tags) return fillTags(cell, run?.tags ?? []);
    const text = run ? textOf(column, run) : "";
    if (cell.textContent === text) return undefined;
    cell.textContent = text;
    cell.title = text.length > 12 ? text.slice(0, 4000) : "";
    cell.classList.toggle("broken", text === "NaN");
    return undefined;
  });
}

function curve() {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 120 24");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("class", "t-curve");
  svg.setAttribute("aria-hidden", "true");
  svg.append(document.createElementNS(SVG, "path"));
  return svg;
}

function drawCurve(svg, values) {
  let path = "";
  if (values.length === 1) path = "M56 12h8";
  if (values.length > 1) {
    // One spike must not flatten the rest: the scale is that of the middle nine tenths.
    const sorted = [...values].sort((a, b) => a - b);
    const at = (part) => sorted[Math.round(part * (sorted.length - 1))];
    const middle = at(0.95) - at(0.05) || sorted.at(-1) - sorted[0] || 1;
    const low = Math.max(sorted[0], at(0.05) - middle * 0.4);
    const high = Math.min(sorted.at(-1), at(0.95) + middle * 0.4);
    const span = high - low || 1;
    path = values.map((v, i) => `${i ? "L" : "M"}${((120 * i) / (values.length - 1)).toFixed(1)} ${(22 - 20 * Math.min(1, Math.max(0, (v - low) / span))).toFixed(1)}`).join("");
  }
  const line = svg.firstChild;
  if (line.getAttribute("d") !== path) line.setAttribute("d", path);
}

function fillTags(cell, tags) {
  const text = tags.join("\0");
  if (cell.dataset.tags === text) return;
  cell.dataset.tags = text;
  cell.title = tags.join(", ");
  cell.replaceChildren(...tags.map((tag) => {
    const chip = element("span", "t-tag", tag);
    chip.dir = "auto";
    return chip;
  }));
}
