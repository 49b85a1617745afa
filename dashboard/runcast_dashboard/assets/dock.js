// The replay bar: play and pause, where in time the picture stands, how fast it runs, and LIVE.

import { copy } from "./clipboard.js";
import { button, choice, element, icon, write } from "./dom.js";
import { Film } from "./film.js";
import { clockTime, dateTime, duration, whole } from "./format.js";
import { picker } from "./picker.js";
import { Race } from "./race.js";
import { Timeline } from "./timeline.js";

const DAY_MS = 86_400_000;
const SAID_MS = 2000;
const SPEEDS = ["1", "5", "20", "60", "600"].map((speed) => [speed, `${speed}×`]);
const DRAG_PX = 4; // Less is the tremor of a click.

export class Dock {
  constructor(board) {
    this.board = board;
    this.playButton = button("round main", "Play or pause (space)", () => this.toggle(), icon("pause"));
    this.time = element("b", "", "–:––");
    this.behind = element("span");
    this.past = element("div", "future");
    this.head = element("div", "head");
    this.bubble = element("div", "bubble");
    this.canvas = element("canvas");
    this.track = element("div", "track", this.canvas, this.past, this.head, this.bubble);
    this.timeline = new Timeline(board, this.track);
    this.track.setAttribute("role", "slider");
    this.track.setAttribute("aria-label", "Moment shown");
    this.track.tabIndex = 0; // The arrows move it, here as anywhere on the board.
    this.speeds = choice(SPEEDS, "20", (speed) => this.pace(speed));
    this.speed = picker("pick speed", "Speed of the replay", (speed) => this.pace(speed), SPEEDS);
    this.pace("20", false);
    this.liveButton = button("live on", "Follow what is logged now (l)", () => board.ask({ op: "live" }), element("i"), "LIVE");
    this.shareButton = button("round", "Copy a link to this moment", () => this.share(), icon("link"));
    this.race = new Race(board);
    this.film = new Film(board);
    this.root = element("div", "dock",
      button("round", "From the start", () => board.ask({ op: "seek", part: 0 }), icon("start")), this.playButton,
      element("div", "clock", this.time, this.behind), this.track, this.speeds, this.speed, this.race.root, this.film.button, this.shareButton, this.liveButton);
    this.scrub();
  }

  // How many seconds of the runs pass in one; a row of buttons or, in a narrow window, a list says it.
  pace(speed, tell = true) {
    this.speeds.select(speed);
    this.speed.value = speed;
    if (tell) this.board.ask({ op: "speed", speed: Number(speed) });
  }

  start() {
    const box = this.track.getBoundingClientRect();
    this.width = box.width;
    const canvas = this.canvas.transferControlToOffscreen();
    this.board.ask({ op: "strip", canvas, width: box.width, height: box.height }, [canvas]);
    this.sizes = new ResizeObserver(([{ contentRect }]) => {
      if (!contentRect.width || contentRect.width === this.width) return;
      this.width = contentRect.width;
      this.board.ask({ op: "stripSize", width: contentRect.width, height: contentRect.height });
      if (this.shown) this.show(this.shown);
    });
    this.sizes.observe(this.track);
  }

  scrub() {
    const { track } = this;
    const at = (event) => {
      const box = track.getBoundingClientRect();
      return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    };
    let dragging = false;
    let mark = null; // Pressed: a click goes to its moment, and a drag begins there as anywhere.
    let pressed = 0;
    track.onpointerdown = (event) => {
      if (event.button) return;
      track.setPointerCapture(event.pointerId);
      dragging = true;
      mark = this.timeline.markOf(event.target);
      pressed = event.clientX;
      if (mark) this.timeline.go(mark);
      else this.board.ask({ op: "seek", part: at(event) });
    };
    track.onpointermove = (event) => {
      const part = at(event);
      if (this.shown) {
        this.bubble.style.left = `${part * 100}%`;
        write(this.bubble, this.label(this.shown.t0 + part * (this.shown.t1 - this.shown.t0)));
      }
      if (!dragging || (mark && Math.abs(event.clientX - pressed) < DRAG_PX)) return;
      if (mark) this.timeline.say((mark = null));
      this.board.ask({ op: "seek", part });
    };
    track.onpointerup = track.onpointercancel = () => {
      dragging = false;
    };
  }

  async share() {
    const copied = await copy(this.board.link(), "A link to this moment");
    this.shareButton.dataset.said = copied ? "Link copied" : "";
    setTimeout(() => delete this.shareButton.dataset.said, SAID_MS);
  }

  label(t) {
    if (this.shown.unit === "step") return `step ${whole(t)}`;
    if (this.shown.unit === "elapsed") return duration(t);
    return this.shown.t1 - this.shown.t0 > DAY_MS ? dateTime(t) : clockTime(t);
  }

  toggle() {
    const clock = this.shown;
    this.board.ask({ op: clock && (clock.live || clock.playing) ? "pause" : "play" });
  }

  show(clock) {
    this.shown = clock;
    const { t, t0, t1, live, playing, unit } = clock;
    this.root.classList.toggle("idle", !(t1 > t0));
    if (!(t1 > t0)) return;
    const part = (t - t0) / (t1 - t0);
    this.timeline.show(clock, this.width ?? 0);
    this.head.style.transform = `translateX(${part * (this.width ?? 0)}px)`;
    this.past.style.transform = `scaleX(${1 - part})`;
    this.track.setAttribute("aria-valuenow", String(Math.round(part * 100)));
    this.track.setAttribute("aria-valuetext", this.label(t));
    this.liveButton.classList.toggle("on", live);
    const symbol = live || playing ? "pause" : "play";
    if (this.symbol !== symbol) this.playButton.replaceChildren(icon((this.symbol = symbol)));
    write(this.time, unit === "wall" ? clockTime(t) : this.label(t));
    const length = unit === "step" ? `${whole(t1)} steps` : duration(t1 - t0);
    this.behind.title = this.race.words(clock);
    write(this.behind, this.behind.title || (live ? `${unit === "wall" ? "over" : "longest run"} ${length}` : unit === "wall" ? `${duration(t1 - t)} ago` : `of ${length}`));
  }

  destroy() {
    this.sizes?.disconnect();
    this.timeline.destroy();
    this.film.destroy();
  }
}
