// The columns of the table of runs: which there are, what a run has in them, and which of them a reader wants to see.
// A column's id is the field by which the service sorts and filters.

import { duration, number, whole } from "./format.js";
import { asNumber } from "./asking.js";

export const CURVE = "curve";
const CHOSEN_CONFIG_MAX = 5; // What differs between runs comes first, until the reader chooses.
const CHOSEN_SUMMARY_MAX = 4;
const TOTALS = ["max_steps", "total_steps", "num_train_steps", "train_steps", "num_steps"];
const EPOCHS = ["epochs", "num_epochs", "num_train_epochs", "max_epochs"];

const time = (text) => (text ? new Date(text).toLocaleString(undefined, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false }) : "");

const OWN = [
  { id: "created", name: "Created", width: 142, text: (run) => time(run.created), down: true },
  { id: "duration", name: "Duration", width: 92, right: true, text: (run) => duration(run.duration * 1000), down: true },
  { id: "steps", name: "Steps", width: 84, right: true, text: (run) => whole(run.steps), down: true },
  { id: "tags", name: "Tags", width: 150, tags: true },
  { id: "state", name: "State", width: 92, text: (run) => run.state },
  { id: "updated", name: "Last heard", width: 142, text: (run) => time(run.updated), down: true },
  { id: "finished", name: "Finished", width: 142, text: (run) => time(run.finished), down: true },
  { id: "id", name: "Id", width: 110, text: (run) => run.id },
  { id: "group", name: "Group", width: 110, text: (run) => run.group },
  { id: "job_type", name: "Job type", width: 100, text: (run) => run.job_type },
  { id: "host", name: "Host", width: 120, text: (run) => run.host },
  { id: "program", name: "Program", width: 160, text: (run) => run.program },
  { id: "exit_code", name: "Exit code", width: 84, right: true, text: (run) => run.exit_code ?? "" },
  { id: "notes", name: "Notes", width: 180, text: (run) => run.notes },
];
const DEFAULT_OWN = ["created", "duration", "steps", "tags", CURVE];

// Write a field as the service reads it: a key with odd characters stands in quotes.
export function field(group, key) {
  const keys = key.split(".").map((each) => (/^[\p{L}\p{N}_/:%@*+-]+$/u.test(each) ? each : null));
  return keys.includes(null) ? `${group}."${key.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n").replaceAll("\t", "\\t")}"` : `${group}.${key}`;
}

export function shownValue(value) {
  const known = asNumber(value);
  if (known !== null) return Number.isInteger(known) && Math.abs(known) < 1e9 ? String(known).replace("-", "−") : number(known);
  if (value === null || value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

export class Columns {
  constructor(project) {
    this.place = `runcast.columns.${project}`;
    this.all = new Map(OWN.map((column) => [column.id, { ...column, section: "Run" }]));
    this.all.set(CURVE, { id: CURVE, name: "Curve", width: 150, section: "Run", fixed: true });
    this.metrics = [];
    this.chosen = null;
    this.metric = null; // Whose curve is drawn.
    try {
      const kept = JSON.parse(localStorage.getItem(this.place));
      if (Array.isArray(kept?.chosen)) this.chosen = kept.chosen.map(String);
      if (typeof kept?.metric === "string") this.metric = kept.metric;
    } catch {
      // A browser that keeps nothing shows what everybody sees first.
    }
  }

  // Take in what the service says that there is.
  learn({ config, summary }) {
    this.metrics = [];
    for (const { key, numbers, runs, distinct } of config) {
      this.all.set(field("config", key), { id: field("config", key), section: "Config", name: key, config: key, right: numbers === runs, width: width(key), distinct, runs });
    }
    for (const { key, numbers, runs, distinct } of summary) {
      this.all.set(field("summary", key), { id: field("summary", key), section: "Summary: last value", name: key, summary: key, right: numbers === runs, width: width(key), distinct, runs, down: true });
      if (!numbers || key.startsWith("_")) continue;
      this.metrics.push(key);
      for (const [which, word] of [["min", "Lowest"], ["max", "Highest"]]) {
        this.all.set(field(which, key), { id: field(which, key), section: `${word} value`, name: `${which} ${key}`, extreme: key, high: which === "max", right: true, width: width(`${which} ${key}`), down: which === "max" });
      }
    }
    const judged = /acc|loss|reward|score|f1|auc|bleu|error/i;
    this.metrics.sort((a, b) => judged.test(b) - judged.test(a));
    if (!this.metrics.includes(this.metric)) this.metric = this.metrics[0] ?? null;
    this.usual = [
      ...DEFAULT_OWN,
      ...config.filter(({ distinct }) => distinct > 1).slice(0, CHOSEN_CONFIG_MAX).map(({ key }) => field("config", key)),
      ...this.metrics.slice(0, CHOSEN_SUMMARY_MAX).map((key) => field("summary", key)),
      ...(this.metric ? [field(/loss|error/i.test(this.metric) ? "min" : "max", this.metric)] : []),
    ];
  }

  get ids() {
    return this.chosen ?? this.usual ?? DEFAULT_OWN;
  }

  get shown() {
    return this.ids.map((id) => this.all.get(id)).filter(Boolean);
  }

  // What can be grouped by: what has a few values.
  get groups() {
    const keys = [...this.all.values()].filter((one) => one.config && one.distinct > 1 && one.distinct < 50 && one.runs > one.distinct);
    return [["state", "State"], ["group", "Group"], ["job_type", "Job type"], ["host", "Host"], ...keys.map((one) => [one.id, one.name])];
  }

  toggle(id) {
    const ids = this.ids;
    this.keep(ids.includes(id) ? ids.filter((one) => one !== id) : [...ids, id]);
  }

  keep(chosen) {
    this.chosen = chosen;
    this.remember();
  }

  draw(metric) {
    this.metric = metric;
    this.remember();
  }

  remember() {
    try {
      localStorage.setItem(this.place, JSON.stringify({ chosen: this.chosen, metric: this.metric }));
    } catch {
      // It is only forgotten.
    }
  }

  // What rows have to be asked for.
  wanted() {
    const shown = this.shown;
    return [
      ...[...new Set([...shown.flatMap((one) => one.config ?? []), ...TOTALS, ...EPOCHS])].map((key) => ["config", key]),
      ...[...new Set([...shown.flatMap((one) => one.summary ?? []), "epoch"])].map((key) => ["summary", key]),
      ...[...new Set(shown.flatMap((one) => one.extreme ?? []))].slice(0, 20).map((key) => ["extremes", key]),
      ...(shown.some((one) => one.id === CURVE) && this.metric ? [["curve", this.metric]] : []),
    ];
  }
}

const width = (name) => Math.min(220, Math.max(86, 34 + 7.2 * name.length));

export function textOf(column, run) {
  if (column.text) return column.text(run);
  if (column.config) return shownValue(run.config[column.config]);
  if (column.summary) return shownValue(run.summary[column.summary]);
  if (column.extreme) return shownValue(run.extremes?.[column.extreme]?.[column.high ? 1 : 0]);
  return "";
}

// How far a run is, from 0 to 1, where its config says how far it is to go; else null.
export function progress(run) {
  if (run.state !== "running") return null;
  const first = (keys) => keys.map((key) => run.config[key]).find((value) => typeof value === "number" && value > 0);
  const steps = first(TOTALS);
  if (steps) return Math.min(1, run.steps / steps);
  const epochs = first(EPOCHS);
  const epoch = run.summary.epoch;
  return epochs && typeof epoch === "number" ? Math.min(1, Math.max(0, epoch / epochs)) : null;
}
