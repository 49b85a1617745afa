// Runs as points, as lines over parallel axes, and what of their config mattered. Drawn as SVG: at most 200 runs.

import { axis, outcomes, short } from "./compare-data.js";
import { button, element, replaceHeld, write } from "./dom.js";
import { tick } from "./format.js";
import { RUNS_MIN, explained, importance } from "./importance.js";
import { apart, clipped } from "./names.js";
import { offer, picker } from "./picker.js";
import { shownValue } from "./table-columns.js";

const SVG = "http://www.w3.org/2000/svg";
const AXES_MAX = 8;
const KEYS_MAX = 60; // That importance looks at.

function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function fill(list, fields, value) {
  offer(list, fields.map(({ name }) => [name]), fields.some(({ name }) => name === value) ? value : (fields[0]?.name ?? ""));
}

const CHAR_PX = 7; // Of an axis' name, on average.
const SAID_MAX = 80; // Of a name in a sentence.
const fitting = (name, room) => apart(clipped(short(name), Math.max(8, Math.floor(room / CHAR_PX))));
const said = (name) => apart(clipped(short(name), SAID_MAX));
const label = (value) => (typeof value === "number" ? tick(value) : String(value).slice(0, 24));

export class Scatter {
  constructor(page) {
    this.page = page;
    this.x = picker("c-select", "Horizontal", () => this.draw());
    this.y = picker("c-select", "Vertical", () => this.draw());
    this.plot = element("div", "c-plot");
    this.tip = element("div", "c-tip");
    this.tip.hidden = true;
    this.root = element("section", "c-part", element("div", "c-tools", element("label", "", "Across ", this.x), element("label", "", "Up ", this.y)), this.plot, this.tip);
  }

  take() {
    const usable = this.page.fields.filter((one) => one.differs && (one.numeric ? one.finite > 1 : one.words > 1));
    const judged = outcomes(this.page.fields)[0]?.name;
    fill(this.x, usable, this.x.value || usable.find(({ name, numeric }) => numeric && name.startsWith("config."))?.name);
    fill(this.y, usable, this.y.value || judged);
  }

  draw() {
    const { runs, fields } = this.page;
    this.tip.hidden = true;
    const [across, up] = [this.x, this.y].map((select) => fields.find(({ name }) => name === select.value));
    if (!across || !up) return void this.plot.replaceChildren(element("p", "c-none", "Nothing of these runs differs."));
    const [width, height] = [Math.max(280, this.plot.clientWidth - 24), Math.max(260, this.plot.clientHeight - 10)];
    const box = { left: 66, right: 28, top: 14, bottom: 44 };
    const [ax, ay] = [axis(across), axis(up)];
    const px = (part) => box.left + part * (width - box.left - box.right);
    const py = (part) => height - box.bottom - part * (height - box.top - box.bottom);
    const drawing = svg("svg", { width, height, role: "img", "aria-label": `${short(up.name)} over ${short(across.name)}, ${runs.length} runs` });
    for (const [value, part] of ax.ticks) drawing.append(svg("line", { x1: px(part), x2: px(part), y1: py(0), y2: py(1), class: "c-line" }), svg("text", { x: px(part), y: height - 24, class: "c-tick middle" }, label(value)));
    for (const [value, part] of ay.ticks) drawing.append(svg("line", { x1: px(0), x2: px(1), y1: py(part), y2: py(part), class: "c-line" }), svg("text", { x: box.left - 8, y: py(part) + 4, class: "c-tick end" }, label(value)));
    drawing.append(svg("text", { x: px(0.5), y: height - 6, class: "c-name middle" }, fitting(across.name, px(1) - px(0)) + (ax.log ? " (log)" : "")), svg("text", { x: 12, y: py(0.5), class: "c-name middle", transform: `rotate(-90 12 ${py(0.5)})` }, fitting(up.name, py(0) - py(1)) + (ay.log ? " (log)" : "")));
    let missing = 0;
    runs.forEach((run, at) => {
      const [x, y] = [ax.place(across.held[at]), ay.place(up.held[at])];
      if (x === null || y === null) return void missing++;
      const dot = svg("circle", { cx: px(x), cy: py(y), r: 5.5, fill: run.color, class: "c-dot", tabindex: 0, role: "link", "aria-label": `${run.name}: ${shownValue(across.held[at])}, ${shownValue(up.held[at])}` });
      dot.dataset.run = run.id;
      dot.onpointerenter = dot.onfocus = () => this.point(dot, run, [across, up], at);
      dot.onpointerleave = dot.onblur = () => (this.tip.hidden = true);
      dot.onclick = () => this.page.open(run.id);
      dot.onkeydown = ({ key }) => key === "Enter" && this.page.open(run.id);
      drawing.append(dot);
    });
    const note = missing ? [element("p", "muted", `${missing} of ${runs.length} runs have no number here, as those that diverged, and are not drawn.`)] : [];
    replaceHeld(this.plot, ".c-dot", "run", drawing, ...note);
  }

  point(dot, run, [across, up], at) {
    this.tip.replaceChildren(element("b", "", run.name), ...[across, up].map(({ name, held }) => element("div", "", element("span", "muted", `${short(name)} `), shownValue(held[at]))));
    this.tip.hidden = false;
    const [box, frame] = [dot.getBoundingClientRect(), this.root.getBoundingClientRect()];
    this.tip.style.left = `${Math.min(frame.width - this.tip.offsetWidth - 8, Math.max(8, box.left - frame.left + 12))}px`;
    this.tip.style.top = `${Math.max(8, box.top - frame.top - this.tip.offsetHeight - 8)}px`;
  }
}

export class Parallel {
  constructor(page) {
    this.page = page;
    this.brushes = new Map(); // Field → [low, high], as parts of the axis.
    this.off = new Set();
    this.chosen = null;
    this.said = element("span", "muted");
    this.said.setAttribute("role", "status");
    this.keep = button("c-link", "", () => this.page.keep(this.inside().map(({ id }) => id)), "Compare only these");
    this.clear = button("c-link", "", () => {
      this.brushes.clear();
      this.draw();
    }, "Clear");
    this.more = picker("c-select", "Add or remove an axis", (name) => {
      this.chosen = this.chosen.includes(name) ? this.chosen.filter((one) => one !== name) : [...this.chosen, name].slice(-12);
      this.brushes.delete(name);
      this.draw();
    });
    this.plot = element("div", "c-plot");
    this.root = element("section", "c-part", element("div", "c-tools", element("label", "", "Axes ", this.more), this.said, this.keep, this.clear), this.plot);
  }

  take() {
    this.usable = this.page.fields.filter((one) => one.differs && (one.numeric ? one.finite > 1 : one.words > 1 && one.words < 40));
    const config = this.usable.filter(({ name }) => name.startsWith("config.")).slice(0, AXES_MAX - 1).map(({ name }) => name);
    this.chosen ??= [...config, ...outcomes(this.page.fields).filter(({ differs }) => differs).slice(0, 2).map(({ name }) => name)].slice(0, AXES_MAX);
  }

  inside() {
    return this.page.runs.filter((run, at) => [...this.brushes].every(([name, [low, high]]) => {
      const field = this.usable.find((one) => one.name === name);
      const part = field ? axis(field).place(field.held[at]) : null;
      return part !== null && part >= low && part <= high;
    }));
  }

  draw() {
    const { runs } = this.page;
    const axes = this.chosen.map((name) => this.usable.find((one) => one.name === name)).filter(Boolean);
    offer(this.more, [["", "add or remove …"], ...this.usable.map(({ name }) => [name, this.chosen.includes(name) ? `✓ ${name}` : name])], "");
    if (axes.length < 2) return void this.plot.replaceChildren(element("p", "c-none", "Two axes or more are needed: choose some that differ."));
    const width = Math.max(this.plot.clientWidth - 4, axes.length * 108);
    const height = Math.max(280, this.plot.clientHeight - 12);
    const [top, bottom, side] = [46, 22, 64];
    const px = (at) => side + (at * (width - 2 * side)) / (axes.length - 1);
    const py = (part) => height - bottom - part * (height - top - bottom);
    const scales = axes.map(axis);
    const inside = new Set(this.inside());
    const drawing = svg("svg", { width, height, role: "img", "aria-label": `${runs.length} runs over ${axes.map(({ name }) => short(name)).join(", ")}` });
    // The last axis is the outcome: its value gives the colour.
    const tone = (at) => scales.at(-1).place(axes.at(-1).held[at]);
    runs.forEach((run, at) => {
      let path = "";
      let pen = "M";
      scales.forEach((scale, k) => {
        const part = scale.place(axes[k].held[at]);
        if (part === null) return void (pen = "M");
        path += `${pen}${px(k).toFixed(1)} ${py(part).toFixed(1)}`;
        pen = "L";
      });
      const part = tone(at);
      const line = svg("path", { d: path || "M0 0", class: inside.has(run) ? "c-path" : "c-path out", stroke: part === null ? "var(--bad)" : `color-mix(in oklab, var(--high) ${Math.round(100 * part)}%, var(--low))` });
      line.append(svg("title", {}, run.name));
      line.onclick = () => this.page.open(run.id);
      drawing.append(line);
    });
    axes.forEach((field, k) => drawing.append(this.axis(field, scales[k], { x: px(k), py, top, height, bottom })));
    replaceHeld(this.plot, ".c-handle", "field", drawing);
    const some = this.brushes.size > 0;
    write(this.said, some ? `${inside.size} of ${runs.length} runs in the brush` : "Drag along an axis to choose a range");
    this.keep.hidden = !some || inside.size < 2 || inside.size === runs.length;
    this.clear.hidden = !some;
  }

  axis(field, scale, { x, py, top, height, bottom }) {
    const group = svg("g", { class: "c-axis" });
    const name = short(field.name);
    group.append(svg("line", { x1: x, x2: x, y1: py(0), y2: py(1), class: "c-line strong" }), svg("text", { x, y: 18, class: "c-name middle" }, name.length > 18 ? `…${name.slice(-17)}` : name, svg("title", {}, field.name)));
    for (const [value, part] of scale.ticks) group.append(svg("text", { x: x + 6, y: py(part) + 3.5, class: "c-tick" }, label(value)));
    const brush = this.brushes.get(field.name);
    if (brush) group.append(svg("rect", { x: x - 7, width: 14, y: py(brush[1]), height: Math.max(2, py(brush[0]) - py(brush[1])), class: "c-brush" }));
    const handle = svg("rect", { x: x - 14, width: 28, y: top - 12, height: height - top - bottom + 24, class: "c-handle", tabindex: 0, role: "slider", "aria-label": `Range of ${field.name}; up and down move it, escape clears it`, "aria-valuenow": brush ? Math.round(50 * (brush[0] + brush[1])) : 50, "aria-valuetext": brush ? `${Math.round(100 * brush[0])} to ${Math.round(100 * brush[1])} % of the axis` : "all" });
    handle.dataset.field = field.name;
    const part = (event) => {
      const box = this.plot.firstChild.getBoundingClientRect();
      return Math.min(1, Math.max(0, (height - bottom - (event.clientY - box.top)) / (height - top - bottom)));
    };
    handle.onpointerdown = (event) => {
      event.preventDefault();
      this.handle(field.name)?.focus();
      const from = part(event);
      const move = (next) => {
        const to = part(next);
        this.brushes.set(field.name, [Math.min(from, to), Math.max(from, to)]);
        this.later();
      };
      const end = (last) => {
        window.removeEventListener("pointermove", move);
        window.removeEventListener("pointerup", end);
        if (Math.abs(part(last) - from) < 0.01) this.brushes.delete(field.name);
        this.later();
      };
      window.addEventListener("pointermove", move);
      window.addEventListener("pointerup", end);
    };
    handle.onkeydown = (event) => {
      const moves = { ArrowUp: 0.05, ArrowDown: -0.05 };
      if (event.key === "Escape") this.brushes.delete(field.name);
      else if (event.key in moves) {
        const [low, high] = this.brushes.get(field.name) ?? [0.4, 0.6];
        const by = Math.max(-low, Math.min(1 - high, moves[event.key]));
        this.brushes.set(field.name, event.shiftKey ? [low, Math.max(low, Math.min(1, high + moves[event.key]))] : [low + by, high + by]);
      } else return;
      event.preventDefault();
      event.stopPropagation();
      this.draw();
    };
    group.append(handle);
    return group;
  }

  handle(name) {
    return [...this.plot.querySelectorAll(".c-handle")].find(({ dataset }) => dataset.field === name);
  }

  later() {
    this.waiting ??= requestAnimationFrame(() => {
      this.waiting = null;
      this.draw();
    });
  }
}

export class Importance {
  constructor(page) {
    this.page = page;
    this.outcome = picker("c-select", "Outcome", () => this.draw());
    this.words = element("p", "c-words");
    this.list = element("div", "c-bars");
    this.root = element("section", "c-part", element("div", "c-tools", element("label", "", "What mattered for ", this.outcome)), this.words, this.list);
  }

  take() {
    fill(this.outcome, outcomes(this.page.fields).filter(({ differs }) => differs), this.outcome.value);
    this.drawn = null;
  }

  draw() {
    if (this.drawn === this.outcome.value && this.drawn !== null) return;
    this.drawn = this.outcome.value;
    const { runs, fields } = this.page;
    const target = fields.find(({ name }) => name === this.outcome.value);
    if (!target) return this.say("These runs have no outcome in numbers that differs; log one, such as an accuracy.");
    const members = runs.map((_, at) => at).filter((at) => Number.isFinite(target.held[at]));
    if (members.length < RUNS_MIN) return this.say(`${members.length} runs with a finite ${said(target.name)} are too few to say what mattered: choose ${RUNS_MIN} or more.`);
    // What is different in every run, and a word, names the run and explains nothing.
    const keys = fields.filter((one) => one.name.startsWith("config.") && one.differs && (one.numeric || one.words < members.length)).slice(0, KEYS_MAX)
      .map(({ name, held, numeric }) => ({ name: short(name), values: members.map((at) => (numeric ? (Number.isFinite(held[at]) ? held[at] : null) : String(held[at]))) }))
      .filter(({ values }) => new Set(values).size > 1);
    const found = importance(keys, members.map((at) => target.held[at]));
    this.found = found;
    const left = runs.length - members.length;
    write(this.words, explained(found, members.length, said(target.name)) + (left ? ` ${left} of ${runs.length} runs have no finite ${said(target.name)}, as those that diverged, and are left out.` : ""));
    const head = element("div", "c-bar-row c-bar-head", element("span", "", "Config"), element("span", "", "Share of what the config says"), element("span", "", "Correlation"));
    this.list.replaceChildren(head, ...found.keys.map(({ name, share, correlation }) => {
      const bar = element("i", "c-share");
      bar.style.setProperty("--part", share.toFixed(4));
      const key = element("b", "", name);
      key.title = name;
      const turn = element("span", correlation === null ? "muted" : correlation < 0 ? "c-down" : "c-up", correlation === null ? "words" : `${correlation < 0 ? "−" : "+"}${Math.abs(correlation).toFixed(2)}`);
      return element("div", "c-bar-row", key, element("span", "c-shares", bar, element("span", "", `${Math.round(100 * share)} %`)), turn);
    }), element("p", "muted", "Importance by permutation: a forest of random trees learns the outcome from the config; then one key is shuffled, and what its guesses about runs that it has not seen lose is that key's share. Correlation is Spearman's: +1 where both rise together, −1 where one falls. Neither proves a cause."));
    return undefined;
  }

  say(text) {
    write(this.words, text);
    this.list.replaceChildren();
  }
}
