// How the service is: what is wrong in words, then rates, lags and room, asked anew every two seconds. Values change where they stand.

import { Service } from "./asking.js";
import { mounted, themed } from "./component.js";
import { element, write } from "./dom.js";
import { bytes, duration, number, whole } from "./format.js";

const ASK_MS = 2000;
const KEPT = 90; // Samples of each rate: three minutes.
const SHOWN_MIN = 30; // Their places in a drawing that has just begun.
const QUARANTINE_MAX = 50;

// Each: its name, what it says of an answer and the one before it, and whether its course is drawn.
const rate = (key) => (now, before) => before && Math.max(0, (now[key] - before[key]) / (now.now - before.now));
const perSecond = (value) => (value == null ? "…" : `${number(value < 10 ? Math.round(10 * value) / 10 : Math.round(value))} /s`);
const GROUPS = [
  ["What comes", [
    ["Events stored", rate("events"), perSecond, true],
    ["Entries read", rate("entries"), perSecond, true],
    ["Read, not stored", (now) => now.waiting_bytes, bytes, true],
    ["Behind the stream", (now) => Math.max(0, ...Object.values(now.lags)) * 1000, milliseconds, true],
  ]],
  ["The store", [
    ["Last commit took", (now) => now.commit_seconds * 1000, milliseconds, true],
    ["Commits", rate("commits"), perSecond, true],
    ["Waits for compaction", (now) => now.level0_events, (n) => `${whole(n)} event${n === 1 ? "" : "s"}`, true],
    ["Database", (now) => now.database_bytes, bytes],
    ["Disk left", (now) => now.disk_free_bytes, bytes],
    ["Runs", (now) => now.runs, whole],
  ]],
  ["Who watches", [
    ["Viewers", (now) => now.viewers, whole, true],
    ["Sent to them", rate("frame_bytes"), (v) => (v == null ? "…" : `${bytes(v)}/s`), true],
    ["Frames", rate("frames"), perSecond, true],
    ["Held for them", (now) => now.held_bytes, bytes],
  ]],
  ["Since the start", [
    ["Up for", (now) => now.uptime_seconds * 1000, duration],
    ["Sent twice, stored once", (now) => now.duplicates, whole],
    ["Connections to Redis lost", (now) => now.reconnects, whole],
    ["Streams that began again", (now) => now.resets, whole],
  ]],
];

function milliseconds(ms) {
  return ms < 1000 ? `${ms < 10 ? +ms.toFixed(1) : Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

class Health {
  constructor(component) {
    this.service = new Service();
    this.before = null;
    this.words = element("div", "h-words");
    this.words.setAttribute("role", "status");
    this.figures = GROUPS.flatMap(([, figures]) => figures.map((one) => new Figure(...one)));
    let at = 0;
    const groups = GROUPS.map(([name, figures]) => element(
      "section", "h-group", element("h2", "", name),
      element("div", "h-figures", ...figures.map(() => this.figures[at++].root)),
    ));
    this.shards = element("div", "h-shards");
    this.noShard = element("p", "", "No shard is ours: another service stores them, or Redis does not answer.");
    this.quarantine = element("tbody");
    this.kept = element(
      "section", "h-group", element("h2", "", "In quarantine"),
      element("div", "h-scroll", element("table", "", element("thead", "", element(
        "tr", "", ...["When", "Why", "Run", "Events", "Size"].map((name) => element("th", "", name)),
      )), this.quarantine)),
    );
    this.kept.hidden = true;
    this.trainers = element("tbody");
    this.behind = element(
      "section", "h-group", element("h2", "", "Held by trainers, not stored yet"),
      element("div", "h-scroll", element("table", "", element("thead", "", element(
        "tr", "", ...["Run", "Host", "Events", "Journal", "Waits for"].map((name) => element("th", "", name)),
      )), this.trainers)),
    );
    this.behind.hidden = true;
    const shards = element("section", "h-group", element("h2", "", "Behind, by shard"), this.shards, this.noShard);
    this.root = element("div", "rh", this.words, this.behind, ...groups, shards, this.kept);
    component.parentElement.append(this.root);
    themed(this.root);
    this.timer = 0;
    this.ask = this.ask.bind(this);
    document.addEventListener("visibilitychange", this.ask);
    this.ask();
  }

  update() {
    themed(this.root);
  }

  destroy() {
    clearTimeout(this.timer);
    document.removeEventListener("visibilitychange", this.ask);
    this.root.remove();
    this.gone = true;
  }

  // A page that nobody sees asks for nothing.
  async ask() {
    clearTimeout(this.timer);
    if (this.gone || document.hidden) return;
    try {
      this.show(await this.service.health(QUARANTINE_MAX));
    } catch (error) {
      this.away(error.code === "away" ? "" : error.message);
    }
    clearTimeout(this.timer);
    this.timer = setTimeout(this.ask, ASK_MS);
  }

  show(now) {
    this.root.classList.remove("away");
    const before = this.before && now.now > this.before.now && now.events >= this.before.events ? this.before : null;
    if (!this.before || now.now > this.before.now) this.before = now;
    this.say(now.troubles.length ? now.troubles : [{ level: "good", what: "All is well.", next: "What is published is stored as it comes." }]);
    for (const figure of this.figures) figure.show(now, before);
    this.drawShards(now.lags);
    this.hold(now.backlogs);
    this.list(now.quarantine);
  }

  away(why) {
    this.root.classList.add("away");
    this.before = null;
    this.say([{
      level: "error",
      what: why || "The service does not answer.",
      next: "Trainings go on, and keep what they log. `runcast status` says more; `runcast up` starts it. What is below is from before.",
    }]);
  }

  say(troubles) {
    const said = JSON.stringify(troubles);
    if (said === this.said) return;
    this.said = said;
    this.words.replaceChildren(...troubles.map(({ level, what, next }) => element(
      "div", `h-word ${level}`, element("b", "", what), element("span", "", next),
    )));
  }

  drawShards(lags) {
    const every = Object.entries(lags);
    while (this.shards.children.length > every.length) this.shards.lastChild.remove();
    every.forEach(([shard, lag], at) => {
      const cell = this.shards.children[at] ?? this.shards.appendChild(element("div", "h-shard", element("i"), element("span"), element("b")));
      cell.classList.toggle("late", lag > 5);
      write(cell.children[1], shard);
      write(cell.children[2], milliseconds(lag * 1000));
    });
    this.noShard.hidden = every.length > 0;
  }

  // What its trainers say that they hold, and in total.
  hold(backlogs) {
    this.behind.hidden = !backlogs.length;
    const said = JSON.stringify(backlogs);
    if (said === this.held) return;
    this.held = said;
    const row = (run, host, events, size, seconds) => element(
      "tr", "", element("td", "", run), element("td", "", host), element("td", "", whole(events)), element("td", "", bytes(size)), element("td", "", duration(1000 * seconds)),
    );
    const sum = (key) => backlogs.reduce((all, each) => all + each[key], 0);
    const rows = backlogs.map((each) => row(each.name && !each.run.endsWith(`/${each.name}`) ? `${each.run} (${each.name})` : each.run, each.host, each.events, each.bytes, each.seconds));
    if (backlogs.length > 1) rows.push(row(`all ${whole(backlogs.length)}`, "", sum("events"), sum("bytes"), Math.max(...backlogs.map((each) => each.seconds))));
    this.trainers.replaceChildren(...rows);
  }

  list(entries) {
    this.kept.hidden = !entries.length;
    const said = JSON.stringify(entries);
    if (said === this.listed) return;
    this.listed = said;
    this.quarantine.replaceChildren(...entries.map((entry) => element(
      "tr", "", element("td", "", entry.received ? new Date(entry.received).toLocaleString() : ""),
      element("td", "", `${entry.kind}: ${entry.reason}`), element("td", "", entry.path || "unknown"),
      element("td", "", entry.first ? `${entry.first} … ${entry.last}` : ""), element("td", "", bytes(entry.size)),
    )));
  }
}

// One figure, and where it is drawn, its last three minutes.
class Figure {
  constructor(name, read, say, drawn) {
    Object.assign(this, { read, say, values: [] });
    this.value = element("b", "", "…");
    this.root = element("div", "h-figure", element("span", "", name), this.value);
    if (!drawn) return;
    this.canvas = element("canvas");
    this.canvas.setAttribute("aria-hidden", "true");
    this.root.append(this.canvas);
  }

  show(now, before) {
    const value = this.read(now, before);
    write(this.value, this.say(value));
    if (!this.canvas || value == null) return;
    this.values.push(value);
    if (this.values.length > KEPT) this.values.shift();
    this.draw();
  }

  draw() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const scale = devicePixelRatio;
    if (this.canvas.width !== Math.round(width * scale)) this.canvas.width = Math.round(width * scale);
    if (this.canvas.height !== Math.round(height * scale)) this.canvas.height = Math.round(height * scale);
    const paint = this.canvas.getContext("2d");
    paint.setTransform(scale, 0, 0, scale, 0, 0);
    paint.clearRect(0, 0, width, height);
    const top = Math.max(...this.values) || 1;
    const places = Math.max(SHOWN_MIN, this.values.length) - 1;
    const x = (at) => width - ((this.values.length - 1 - at) / places) * width;
    const y = (value) => height - 1.5 - (value / top) * (height - 3);
    const accent = getComputedStyle(this.root).getPropertyValue("--accent") || "#3b6cf6";
    paint.beginPath();
    this.values.forEach((value, at) => paint.lineTo(x(at), y(value)));
    paint.strokeStyle = accent;
    paint.lineWidth = 1.5;
    paint.lineJoin = "round";
    paint.stroke();
    paint.lineTo(width, height);
    paint.lineTo(x(0), height);
    paint.globalAlpha = 0.12;
    paint.fillStyle = accent;
    paint.fill();
    paint.globalAlpha = 1;
  }
}

export default mounted(Health);
