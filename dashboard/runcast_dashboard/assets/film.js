// A film of a replay, to be shown where there is no board: what stands on the screen, as it moves, with its moment and its
// runs. The browser encodes it as it is played, and nothing of it leaves the browser but the file that is saved.

import { fileName, save } from "./cardmenu.js";
import { button, icon } from "./dom.js";
import { number } from "./format.js";
import { shorten } from "./names.js";

const FRAMES = 30; // A second: curves move slowly, and half the screen's is half the work.
const BITS = 6_000_000; // A second at most; still pictures take a fraction of it.
const SECONDS_MAX = 600;
const SETTLE_FRAMES = 4; // The clock is told before the charts are drawn.
const BEGIN_MS_MAX = 2000;
const WIDTH_MIN = 480;
const GAP = 16;
const HEAD = 44;
const LINE = 24; // Of the legend.
const RUNS_MAX = 40;
const RUN_WIDTH = 220;
// What most programs play comes first.
const KINDS = [["video/mp4;codecs=avc1.640028", "mp4"], ["video/mp4;codecs=avc1.42E01E", "mp4"], ["video/mp4", "mp4"], ["video/webm;codecs=vp9", "webm"], ["video/webm", "webm"]];

const valued = (y) => number(typeof y === "number" ? y : null);
const even = (n) => 2 * Math.ceil(n / 2); // Encoders take pixels by twos.

export class Film {
  constructor(board) {
    this.board = board;
    this.button = button("round film", "", () => (this.recorder ? this.stop() : this.start()), icon("film"));
    this.kind = window.MediaRecorder && KINDS.find(([type]) => MediaRecorder.isTypeSupported(type));
    this.button.hidden = !this.kind;
    this.seen = this.seen.bind(this);
    document.addEventListener("visibilitychange", this.seen);
    this.say();
  }

  say() {
    const on = !!this.recorder;
    this.button.title = on ? "End the film" : "Film the replay from here";
    this.button.setAttribute("aria-label", this.button.title);
    this.button.setAttribute("aria-pressed", String(on));
    this.button.classList.toggle("on", on);
  }

  start() {
    const { board } = this;
    board.panels?.open("charts");
    const { clientWidth, clientHeight } = board.cards.root;
    this.width = Math.max(WIDTH_MIN, clientWidth);
    this.height = clientHeight;
    this.canvas = document.createElement("canvas");
    const ratio = Math.min(2, devicePixelRatio);
    this.canvas.width = even(this.width * ratio);
    this.canvas.height = even((HEAD + this.height + this.legendHeight()) * ratio);
    this.context = this.canvas.getContext("2d", { alpha: false });
    this.context.scale(ratio, ratio);
    const [mimeType] = this.kind;
    const parts = [];
    const recorder = new MediaRecorder(this.canvas.captureStream(FRAMES), { mimeType, videoBitsPerSecond: BITS });
    this.recorder = recorder;
    recorder.ondataavailable = ({ data }) => data.size && parts.push(data);
    recorder.onstop = () => {
      if (this.recorder === recorder) this.end(); // The encoder gave up: what there is of it is a film, too.
      if (!this.gone && parts.length) save(new Blob(parts, { type: mimeType.split(";")[0] }), `${fileName(board.data.project)}-replay.${this.kind[1]}`);
    };
    this.limit = setTimeout(() => this.stop(), 1000 * SECONDS_MAX);
    this.turn = 0;
    this.begun = false;
    this.asked = performance.now();
    if (!board.clock?.playing) board.ask({ op: "play" });
    this.frame = requestAnimationFrame(() => this.next());
    this.say();
  }

  // From when the replay runs until it has reached its end, where it is live again, or the reader has seen enough.
  next() {
    const { clock } = this.board;
    this.begun ||= clock.playing;
    if (this.begun && clock.live) return this.stop();
    if (this.recorder.state !== "inactive") {
      if (++this.turn % 2) this.draw();
    } else if (this.begun && ++this.turn > SETTLE_FRAMES) {
      this.draw();
      this.recorder.start(1000);
    } else if (!this.begun && performance.now() > this.asked + BEGIN_MS_MAX) return this.stop(); // It was over before it was seen.
    this.frame = requestAnimationFrame(() => this.next());
    return undefined;
  }

  stop() {
    const { recorder } = this;
    this.end();
    if (recorder.state !== "inactive") {
      this.draw(); // The last picture is what the film ends with.
      setTimeout(() => recorder.stop(), 2000 / FRAMES); // It takes that picture in first.
    }
    this.board.ask({ op: "pause" });
  }

  end() {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.limit);
    this.recorder = null;
    this.say();
  }

  // Behind another tab nothing is drawn: the film waits, as the replay does.
  seen() {
    if (document.hidden && this.recorder?.state === "recording") this.recorder.pause();
    else if (!document.hidden && this.recorder?.state === "paused") this.recorder.resume();
  }

  // Who the curves are: runs with their values, or the groups that they are gathered in.
  shown() {
    const { board } = this;
    if (board.single) return [];
    const seen = ({ id }) => !board.hidden.has(id);
    const curves = board.grouped?.by
      ? board.grouped.groups.map(({ name, color, runs }) => ({ name, color, value: `${runs.length} ${runs.length === 1 ? "run" : "runs"}` }))
      : [...board.runs.values()].filter(seen).map(({ id, name, color }) => ({ name, color, value: valued(board.values?.[id]?.y) }));
    return curves.slice(0, RUNS_MAX);
  }

  get columns() {
    return Math.max(1, Math.floor((this.width - 2 * GAP) / RUN_WIDTH));
  }

  legendHeight() {
    const lines = Math.ceil(this.shown().length / this.columns);
    return lines ? GAP + LINE * lines : 0;
  }

  draw() {
    const { board, context, width } = this;
    const style = getComputedStyle(board.root);
    const color = (name) => style.getPropertyValue(name).trim();
    const { font } = board.theme;
    const write = (text, x, y, { weight = 400, size = 13, ink = "--ink", align = "left", room = Infinity }) => {
      context.font = `${weight} ${size}px ${font}`;
      context.fillStyle = color(ink);
      context.textAlign = align;
      context.fillText(shorten(context, text, room), x, y);
    };
    context.fillStyle = color("--page");
    context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    context.textBaseline = "middle";
    const { clock, dock } = board;
    const title = board.single ? (board.data.run.name ?? board.data.run.id) : board.data.project;
    write(title, GAP, HEAD / 2, { weight: 650, size: 16, room: width * 0.6 });
    if (clock) write(dock.label(clock.t), width - GAP, HEAD / 2, { weight: 600, size: 15, align: "right" });
    this.drawCards(write, color);
    this.drawLegend(write);
  }

  drawCards(write, color) {
    const { board, context } = this;
    const frame = board.cards.root.getBoundingClientRect();
    context.save();
    context.beginPath();
    context.rect(0, HEAD, this.width, this.height);
    context.clip();
    for (const { root } of board.cards.sections.values()) {
      const box = root.firstChild.getBoundingClientRect();
      if (box.height) write(root.querySelector("b").textContent, GAP, box.top + box.height / 2 - frame.top + HEAD, { weight: 650 });
    }
    for (const card of board.cards.cards.values()) {
      if (!card.canvas || card.root.hidden) continue;
      const box = card.root.getBoundingClientRect();
      if (box.bottom < frame.top || box.top > frame.bottom || !box.width) continue;
      const x = box.left - frame.left;
      const y = box.top - frame.top + HEAD;
      context.beginPath();
      context.roundRect(x, y, box.width, box.height, 10);
      context.fillStyle = color("--card");
      context.fill();
      context.strokeStyle = color("--line");
      context.stroke();
      write(card.name, x + 13, y + 19, { weight: 600, room: box.width - 26 });
      const plot = card.plot.getBoundingClientRect();
      context.drawImage(card.canvas, plot.left - frame.left, plot.top - frame.top + HEAD, plot.width, plot.height);
    }
    context.restore();
  }

  drawLegend(write) {
    const { context, columns } = this;
    const wide = (this.width - 2 * GAP) / columns;
    this.shown().forEach(({ name, color, value }, at) => {
      const x = GAP + (at % columns) * wide;
      const y = HEAD + this.height + GAP / 2 + LINE * (Math.floor(at / columns) + 0.5);
      context.beginPath();
      context.roundRect(x, y - 6, 12, 12, 3);
      context.fillStyle = color;
      context.fill();
      write(name, x + 19, y, { room: wide - 100 });
      write(value, x + wide - 24, y, { weight: 550, align: "right", ink: "--muted" });
    });
  }

  destroy() {
    this.gone = true;
    document.removeEventListener("visibilitychange", this.seen);
    clearTimeout(this.limit);
    cancelAnimationFrame(this.frame);
    if (this.recorder && this.recorder.state !== "inactive") this.recorder.stop();
  }
}
