// The bar above the charts: which metrics, how smooth, along what; and whether the board is live.

import { button, choice, element, icon, search, write } from "./dom.js";
import { duration } from "./format.js";
import { isSystem } from "./names.js";
import { offer, picker } from "./picker.js";
import { Views } from "./views.js";
import { KINDS } from "./smoothing.js";

const SMOOTH_MAX = 0.99;
const OFFERED_MAX = 50; // Names in the list under a field.

export class Toolbar {
  constructor(board) {
    this.board = board;
    const { options } = board;
    this.find = search("Filter metrics  /", (text) => board.cards.filter(text));
    this.find.value = board.data.moment?.find ?? "";
    this.find.title = "Part of a name, or a regular expression";
    this.reset = button("chip reset", "Show the whole range again (esc)", () => board.ask({ op: "zoom", part: null }), icon("reset"), "Reset zoom");
    this.reset.hidden = true;
    this.dot = element("i");
    this.words = element("b", "", "connecting");
    // What is read out is the state, and not each of its figures.
    this.spoken = element("span", "unseen");
    this.spoken.setAttribute("role", "status");
    this.health = element("div", "health", this.dot, this.words, this.spoken);
    this.other = this.along(options);
    const axes = choice([["step", "Step", "What define_metric says, or else the step"], ["rel", "Relative", "Time since each run's start"], ["wall", "Wall", "Time of day"], ["metric", "Metric", "Along another metric, such as an epoch or tokens"]], options.axis, (axis) => {
      this.other.hidden = axis !== "metric";
      board.setOptions({ axis });
      if (axis === "metric" && !board.options.x) this.other.focus();
    });
    this.fold = this.toggle("Fold ranks", "fold", "One curve for all ranks of a run: their mean, with a band from the lowest to the highest. Off: one curve for each");
    this.fold.hidden = true;
    // Where there is no room for both, what stands beside the charts is laid over them.
    this.beside = button("chip beside", "", () => board.showBeside(), board.single ? "About" : "Runs");
    this.beside.setAttribute("aria-expanded", "false");
    this.more = button("chip more", "", () => {
      this.more.setAttribute("aria-expanded", String(this.root.classList.toggle("whole")));
    }, "Settings");
    this.more.setAttribute("aria-expanded", "false");
    this.root = element("div", "bar", this.beside, this.find, this.more, this.slider(options), element("div", "label", element("span", "words", "X axis"), axes, this.other, this.names),
      this.toggle("Log x", "logx", "Logarithmic x axis, where it is no time"), this.toggle("Log y", "log", "Logarithmic y axis"), this.toggle("Clip outliers", "outliers", "Scale y without the lowest 0.5 % and the highest 1.5 % of what is shown"),
      this.fold, this.reset, element("div", "space"), ...(board.single || board.data.runs ? [] : [(this.views = new Views(board)).whole]), this.health);
  }

  slider(options) {
    const input = element("input", "slider");
    const shown = element("output", "", options.smooth.toFixed(2));
    Object.assign(input, { type: "range", min: 0, max: SMOOTH_MAX, step: 0.01, value: options.smooth });
    input.setAttribute("aria-label", "Smoothing");
    const fill = () => input.style.setProperty("--part", `${(input.value / SMOOTH_MAX) * 100}%`);
    fill();
    input.oninput = () => {
      write(shown, Number(input.value).toFixed(2));
      fill();
      this.board.setOptions({ smooth: Number(input.value) });
    };
    const kind = picker("pick kind", "Kind of smoothing", (chosen) => this.board.setOptions({ kind: chosen }), KINDS, options.kind);
    kind.title = "How curves are smoothed; how much, beside it";
    return element("div", "label", kind, input, shown);
  }

  // Which metric charts lie along: part of a name offers those that have it.
  along(options) {
    const input = search("name of a metric", (text) => {
      this.suggest(text);
      if (this.board.cards.cards.has(text)) this.board.setOptions({ x: text });
    });
    this.names = element("datalist");
    this.names.id = "names"; // Its own shadow root has no other.
    input.classList.add("other");
    input.setAttribute("aria-label", "X axis: name of a metric");
    input.setAttribute("list", this.names.id);
    input.value = options.x;
    input.hidden = options.axis !== "metric";
    input.onfocus = () => this.suggest(input.value);
    return input;
  }

  suggest(text) {
    const found = [...this.board.cards.cards.keys()].filter((name) => !isSystem(name) && name.toLowerCase().includes(text.toLowerCase())).slice(0, OFFERED_MAX);
    offer(this.names, found.map((name) => [name, ""]));
  }

  toggle(text, option, title) {
    const { board } = this;
    const chip = button(board.options[option] ? "chip on" : "chip", title, () => {
      board.setOptions({ [option]: !board.options[option] });
      chip.classList.toggle("on", board.options[option]);
      chip.setAttribute("aria-pressed", String(board.options[option]));
    }, text);
    chip.setAttribute("aria-pressed", String(board.options[option]));
    return chip;
  }

  several(yes) {
    this.fold.hidden = !yes;
  }

  zoomed(yes) {
    this.reset.hidden = !yes;
  }

  connection({ state, reason, wait }) {
    this.state = state;
    this.health.dataset.state = state;
    this.health.title = reason ?? "";
    const words = {
      live: "live",
      reconnecting: wait > 1500 ? `next try in ${Math.ceil(wait / 1000)} s` : "reconnecting",
      unauthorised: "renewing the sign-in",
      forbidden: "refused: this page may not listen here",
      unknown: "waiting for the first run",
    };
    write(this.words, words[state]);
    write(this.spoken, state === "reconnecting" ? "reconnecting" : words[state]);
  }

  // Latency is from the moment of logging to the end of drawing.
  latest({ latency, fps, live }) {
    if (this.state !== "live") return;
    const pace = fps < 50 ? ` · ${fps} fps` : "";
    if (!live) write(this.words, `replay${pace}`);
    else if (latency === null) write(this.words, "live · nothing new");
    else if (latency > 5000) write(this.words, `${duration(latency)} behind${pace}`);
    else write(this.words, `${Math.max(1, Math.round(latency))} ms behind${pace}`);
  }
}
