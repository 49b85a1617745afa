// Runs that agree on a config key, as one: which groups there are, who is in them, and in which colour.
// It is the worker's; the page gets each group's name, colour and members.

import { abgr, runColor } from "./colors.js";

const KEYS_MAX = 200; // To choose from; more are no choice.
const DEPTH_MAX = 8;
const TEXT_MAX = 80; // Of a value, as a group's name.
const flats = new WeakMap();

// A config as the table of runs names it: `optimizer.lr`; what is no number, word or truth is its JSON.
function flat(config) {
  if (flats.has(config)) return flats.get(config);
  const found = new Map();
  const walk = (value, path, depth) => {
    if (value !== null && typeof value === "object" && !Array.isArray(value) && depth < DEPTH_MAX) {
      for (const [key, inner] of Object.entries(value)) walk(inner, path ? `${path}.${key}` : key, depth + 1);
    } else if (path) found.set(path, typeof value === "string" ? value : JSON.stringify(value));
  };
  walk(config, "", 0);
  flats.set(config, found);
  return found;
}

export class Groups {
  constructor(model) {
    this.model = model;
    this.by = "";
  }

  // The keys of which the runs have different values, or some have none.
  keys() {
    const seen = new Map();
    const runs = [...this.model.runs.values()];
    for (const run of runs) {
      for (const [key, text] of flat(run.config)) {
        const held = seen.get(key) ?? { first: text, runs: 0, differs: false };
        held.runs++;
        held.differs ||= held.first !== text;
        seen.set(key, held);
      }
    }
    return [...seen].filter(([, held]) => held.differs || held.runs < runs.length).map(([key]) => key).sort().slice(0, KEYS_MAX);
  }

  // Take in who is in which group now; a group keeps its colour however many come after it.
  choose(by) {
    if (by !== this.by || !this.groups) this.groups = new Map();
    this.by = by;
    if (!by) {
      for (const run of this.model.runs.values()) run.group = null;
      return void (this.groups = null);
    }
    for (const group of this.groups.values()) group.runs = [];
    for (const run of this.model.runs.values()) {
      const text = flat(run.config).get(by);
      const id = `${by}=${text === undefined ? "" : JSON.stringify(text)}`;
      let group = this.groups.get(id);
      if (!group) {
        const order = this.groups.size;
        const name = text === undefined ? `no ${by}` : text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}…` : text || "(empty)";
        group = { id, name, title: text === undefined ? name : `${by} = ${name}`, text, order, color: runColor(order), abgr: abgr(runColor(order)), runs: [] };
        this.groups.set(id, group);
      }
      group.runs.push(run);
      run.group = group;
    }
    for (const group of this.groups.values()) group.state = group.runs.some((run) => run.state === "running") ? "running" : "finished";
    return undefined;
  }

  // What the page writes; by value, numbers first and in their order.
  describe() {
    const value = ({ text }) => (text === undefined || text === "" || Number.isNaN(Number(text)) ? null : Number(text));
    const order = (p, q) => (p.text === undefined) - (q.text === undefined) || (value(p) === null) - (value(q) === null) || value(p) - value(q) || (p.name < q.name ? -1 : 1);
    return [...(this.groups?.values() ?? [])].filter(({ runs }) => runs.length).sort(order).map(({ id, name, color, runs }) => ({ id, name, color, runs: runs.map((run) => run.id) }));
  }
}
