// What is known of one run, beside its charts: state, times, where it ran, its summary as it changes, its config.

import { copy } from "./clipboard.js";
import { button, element, icon, search, write } from "./dom.js";
import { dateTime, duration, number, whole } from "./format.js";
import { apart, isSystem } from "./names.js";
import { Stop } from "./stop.js";

const CHARS_MAX = 400; // A config value may be a book; its beginning names it.

// {"a": {"b": 1}} as [["a.b", 1]].
function flatten(values, prefix = "") {
  return Object.entries(values ?? {}).flatMap(([key, value]) =>
    value !== null && typeof value === "object" && !Array.isArray(value) && !value._type && Object.keys(value).length ? flatten(value, `${prefix}${key}.`) : [[prefix + key, value]]);
}

// Streamlit hands over what the API says, in ISO 8601; the live websocket says ms.
const moment = (value) => (typeof value === "string" ? Date.parse(value) : value);

// Pictures and the like are shown on a tab of their own; what describes them is no summary.
const isNumberOrText = ([, value]) => !value?._type;

const plain = (value) => (typeof value === "number" ? number(value) : typeof value === "string" ? value : JSON.stringify(value)).slice(0, CHARS_MAX);

// What is known of the code and the machine, in a line each. Programs may write facts of their own under these names.
function surroundings(facts) {
  const fact = (group, name) => facts[group]?.[name] ?? "";
  const many = (group, name) => [].concat(facts[group]?.[name] ?? []);
  const gpus = new Map();
  for (const gpu of many("system", "gpus")) gpus.set(gpu?.name, (gpus.get(gpu?.name) ?? 0) + 1);
  const cores = fact("system", "cpu_count");
  const bytes = fact("system", "memory_bytes");
  return [
    ["Commit", fact("git", "commit") && `${String(fact("git", "commit")).slice(0, 10)}${fact("git", "dirty") ? ", changed" : ""}`],
    ["Branch", String(fact("git", "branch"))],
    ["Command", many("command", "line").join(" ")],
    ["CPU", [cores && `${cores} × ${fact("system", "cpu") || "core"}`, bytes && `${Math.round(bytes / 2 ** 30)} GiB`].filter(Boolean).join(", ")],
    ["GPU", [...gpus].map(([name, count]) => `${count} × ${name}`).join(", ")],
    ["Ranks", fact("job", "world") && `${fact("job", "world")}, ${fact("job", "launcher")}`],
  ];
}

// What a run is and where it ran, in a line each; what is not known is left out.
export function about(run) {
  return [
    ["State", run.state ?? ""],
    ["Started", run.created ? dateTime(moment(run.created)) : ""],
    ["Duration", run.duration > 0 ? duration(1000 * run.duration) : ""],
    ["Steps", run.steps ? whole(run.steps) : ""],
    ...where(run),
  ].filter(told);
}

const told = ([, value]) => value !== "" && value !== undefined && value !== null;

const where = (run) => [
  ["Host", run.host], ["Program", (run.program ?? "").split(/[\\/]/).at(-1)], ["Python", run.python], ...surroundings(run.facts ?? {}),
  ["Group", run.group], ["Job", run.job_type], ["Tags", (run.tags ?? []).map(apart).join(", ")], ["Lost rows", run.lost ? whole(run.lost) : ""], ["Exit code", run.exit_code ?? ""],
].map(([key, value]) => [key, typeof value === "number" ? String(value) : value]);

export class Facts {
  constructor(board) {
    this.board = board;
    this.id = board.data.run.id;
    this.name = element("h1", "run-title");
    this.state = element("span", "state-chip");
    this.about = element("dl", "facts");
    this.summary = element("dl", "facts values");
    this.config = element("dl", "facts values");
    this.find = search("Filter summary and config", () => this.filter());
    this.stop = new Stop(board);
    const take = button("ghost", "Copy the run's id", () => copy(this.id, "The run's id"), icon("copy"));
    this.root = element("aside", "side facts-side",
      element("div", "ways", button("link back", "", () => board.trigger("project", board.data.project), `← ${board.data.project}`),
        button("link", "Compare this run with those that you picked in the table, or with the latest", () => board.trigger("compare", this.id), "Compare")),
      this.name, element("div", "under-title", this.state, element("code", "", this.id), take), this.stop.root, this.about, this.find,
      (this.summaryHead = element("h2", "", "Summary")), this.summary, (this.configHead = element("h2", "", "Config")), this.config);
    this.root.querySelector(".back").title = board.data.project;
    this.update(board.data);
  }

  update(data) {
    this.given = data.run;
    this.run ??= data.run;
    this.draw();
  }

  show(runs) {
    const run = runs.find((one) => one.id === this.id);
    if (!run) return;
    this.run = { ...this.given, ...run };
    this.draw();
  }

  draw() {
    const { run, given } = this;
    write(this.name, run.name ?? this.id);
    this.name.title = run.name ?? this.id;
    this.stateShown(run.state === "running" && given.stopping ? "stopping" : run.state);
    this.fill(this.about, [
      ["Started", run.created ? dateTime(moment(run.created)) : "–"],
      ["Duration", ""],
      ["Steps", ""],
      ...where(given).filter(told),
    ]);
    this.tick();
    this.fill(this.summary, flatten(run.summary).filter(([key]) => !isSystem(key)).filter(isNumberOrText).map(([key, value]) => [key, plain(value)]));
    this.fill(this.config, flatten(run.config).map(([key, value]) => [key, plain(value)]));
    this.filter();
  }

  stateShown(state) {
    write(this.state, state ?? "unknown");
    this.state.dataset.state = state ?? "";
    const now = this.run?.state ?? state; // In a replay it may have run: only what runs now can be stopped.
    this.stop.state(now === "running" && state === "stopping" ? state : now);
  }

  // Write pairs into a list, and touch only what differs.
  fill(list, pairs) {
    while (list.children.length > pairs.length) list.lastChild.remove();
    pairs.forEach(([key, value], k) => {
      let pair = list.children[k];
      if (!pair) {
        pair = element("div", "", element("dt"), element("dd"));
        list.append(pair);
      }
      const [term, text] = pair.children;
      write(term, key);
      term.title = key;
      if (list !== this.about || value !== "") {
        write(text, value);
        text.title = value;
      }
      text.classList.toggle("broken", value === "NaN");
    });
  }

  filter() {
    const query = this.find.value.trim().toLowerCase();
    for (const [head, list] of [[this.summaryHead, this.summary], [this.configHead, this.config]]) {
      let shown = 0;
      for (const pair of list.children) {
        pair.hidden = !!query && !pair.textContent.toLowerCase().includes(query);
        shown += !pair.hidden;
      }
      head.hidden = !shown;
    }
    this.find.hidden = this.summary.children.length + this.config.children.length < 8;
  }

  tick() {
    const { run } = this;
    const start = moment(run.created);
    const end = run.state === "running" ? Date.now() : moment(this.given.finished ?? run.updated ?? run.created);
    if (start) write(this.about.children[1].lastChild, duration(Math.max(0, end - start)));
    const steps = this.step ?? (this.given.steps ? this.given.steps - 1 : -1);
    write(this.about.children[2].lastChild, steps >= 0 ? whole(steps + 1) : "–");
  }

  destroy() {
    this.stop.destroy();
  }

  latest({ values }) {
    const own = values[this.id];
    if (!own) return;
    this.step = own.step;
    this.stateShown(own.state === "pending" ? "not started" : own.state);
    this.tick();
  }
}
