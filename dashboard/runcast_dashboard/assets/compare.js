// Runs side by side, as a component of the page: what differs, what goes with what, and what mattered.

import { Diff } from "./compare-diff.js";
import { Importance, Parallel, Scatter } from "./compare-plots.js";
import { fields, read } from "./compare-data.js";
import { Outage, sentence } from "./outage.js";
import { Service } from "./asking.js";
import { mounted, themed } from "./component.js";
import { button, choice, element, write } from "./dom.js";

const ASK_MS = 4000;
const IDS_PER_QUESTION = 50;
const VIEWS = [["diff", "Differences"], ["charts", "Charts"], ["scatter", "Scatter"], ["parallel", "Parallel"], ["importance", "Importance"]];

class Compare {
  constructor(component) {
    this.component = component;
    const { data } = component;
    this.service = new Service(data.project);
    this.count = element("span", "muted");
    this.outage = new Outage("c-away");
    this.views = choice(VIEWS, data.show, (view) => this.show(view));
    this.back = button("c-link", "Choose other runs in the table", () => component.setTriggerValue("table", Date.now()), "Choose runs");
    this.parts = { diff: new Diff(this), scatter: new Scatter(this), parallel: new Parallel(this), importance: new Importance(this) };
    this.message = element("div", "c-message");
    this.body = element("div", "c-body", this.message, ...Object.values(this.parts).map((part) => part.root));
    this.root = element("div", "rcmp", element("div", "c-bar", element("h1", "", "Compare"), this.views, this.count, this.outage.root, this.back), this.body);
    component.parentElement.append(this.root);
    this.size = new ResizeObserver(() => this.draw());
    this.size.observe(this.body);
    (window.__rc ??= {}).compare = this;
    themed(this.root);
    this.show(data.show, false);
    this.turn();
  }

  update(component) {
    this.component = component;
    themed(this.root);
  }

  async turn() {
    clearTimeout(this.clock);
    const { runs } = this.component.data;
    if (runs.length < 2) return this.say("Choose two runs or more", "Select them in the table of runs, up to 200, then Compare.");
    try {
      const found = [];
      for (let at = 0; at < runs.length; at += IDS_PER_QUESTION) {
        const part = runs.slice(at, at + IDS_PER_QUESTION).map((id) => ["id", id]);
        found.push(...(await this.service.get("rows", [...part, ["whole", "true"]])).runs);
        if (this.gone) return undefined;
      }
      this.outage.ended("rows");
      this.take(found);
    } catch (error) {
      if (this.gone) return undefined;
      if (this.runs) this.outage.began("rows", error);
      else this.say("The runs cannot be shown", sentence(error));
    }
    // A comparison of runs that ended stays as it is.
    if (!this.runs || this.runs.some((run) => run.state === "running")) this.clock = setTimeout(() => this.turn(), ASK_MS);
    return undefined;
  }

  take(found) {
    const said = JSON.stringify(found);
    if (said === this.said) return;
    this.said = said;
    this.runs = read(found);
    this.fields = fields(this.runs);
    const gone = this.component.data.runs.length - found.length;
    write(this.count, `${found.length} runs${gone ? `, ${gone} no longer there` : ""}`);
    if (found.length < 2) return void this.say("Too few of these runs are there", "They may have been of another project; choose others in the table.");
    this.message.replaceChildren();
    for (const part of Object.values(this.parts)) part.take();
    this.show(this.view, false);
  }

  say(title, text) {
    this.message.replaceChildren(element("h2", "", title), element("p", "", text), button("c-main", "", () => this.component.setTriggerValue("table", Date.now()), "Go to the runs"));
    for (const part of Object.values(this.parts)) part.root.hidden = true;
  }

  show(view, tell = true) {
    this.view = view;
    for (const [name, part] of Object.entries(this.parts)) part.root.hidden = name !== view;
    this.body.hidden = view === "charts"; // The board stands below.
    this.root.classList.toggle("low", view === "charts");
    this.draw();
    if (tell) this.component.setStateValue("show", view);
  }

  draw() {
    if (this.runs?.length > 1 && this.parts[this.view]) this.parts[this.view].draw();
  }

  open(id) {
    this.component.setTriggerValue("open", id);
  }

  keep(ids) {
    this.component.setTriggerValue("keep", ids);
  }

  destroy() {
    this.gone = true;
    clearTimeout(this.clock);
    this.size.disconnect();
    this.root.remove();
    if (window.__rc.compare === this) delete window.__rc.compare;
  }
}

export default mounted(Compare);
