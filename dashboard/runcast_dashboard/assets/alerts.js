// Alerts: what the runs of a project wanted somebody to know, and the rules by which they are watched. Both are asked anew every
// two seconds; what stands in the field of a new rule is the reader's.

import { Service } from "./asking.js";
import { mounted, themed } from "./component.js";
import { button, element, icon, write } from "./dom.js";
import { dateTime, whole } from "./format.js";
import { offerProjects, picker } from "./picker.js";

const ASK_MS = 2000;
const SHOWN_MAX = 200;
const CHARS_MAX = 400; // Of a rule, as the service takes it.
const LEVELS = [["", "as usual"], ["INFO", "info"], ["WARN", "warning"], ["ERROR", "error"]];
const EXAMPLES = ["loss > 3", "lr == 0 for 5m", "val/loss not falling for 1000 steps", "grad/* is nan", "gpu idle for 10m", "run silent for 5m"];

class Alerts {
  constructor(component) {
    this.component = component;
    this.service = new Service(component.data.project);
    this.picker = picker("a-picker", "Project", (name) => this.component.setTriggerValue("project", name));
    this.trouble = element("p", "a-trouble");
    this.trouble.setAttribute("role", "status");
    this.list = element("div", "a-list");
    this.rules = element("div", "a-rules");
    this.root = element("div", "ra", element("div", "a-head", this.picker, this.trouble), element("div", "a-parts",
      element("section", "", element("h2", "", "Alerts"), this.list),
      element("section", "", element("h2", "", "Rules"), this.rules, this.form())));
    component.parentElement.append(this.root);
    this.update(component);
    this.ask = this.ask.bind(this);
    document.addEventListener("visibilitychange", this.ask);
    this.ask();
  }

  update(component) {
    this.component = component;
    offerProjects(this.picker, component.data);
    themed(this.root);
  }

  form() {
    this.field = element("input", "a-field");
    Object.assign(this.field, { placeholder: "loss > 3 for 1m", maxLength: CHARS_MAX, spellcheck: false });
    this.field.setAttribute("aria-label", "New rule");
    this.level = picker("a-level", "How bad it is", () => {}, LEVELS);
    this.words = element("p", "a-words");
    this.words.setAttribute("role", "status");
    const made = element("form", "a-form", this.field, this.level, Object.assign(element("button", "a-chip strong", "Add"), { type: "submit" }));
    made.onsubmit = async (event) => {
      event.preventDefault();
      const text = this.field.value;
      const wrong = await this.add({ text, level: this.level.value });
      if (!wrong && this.field.value === text) this.field.value = "";
    };
    const examples = EXAMPLES.map((text) => button("a-chip", "", () => {
      this.field.value = text;
      this.field.focus();
    }, text));
    return element("div", "", made, this.words, element("p", "a-muted", "A rule speaks once for each episode. Such as:"), element("div", "a-examples", ...examples));
  }

  // A page that nobody sees asks for nothing.
  async ask() {
    clearTimeout(this.timer);
    if (this.gone || document.hidden) return;
    try {
      const [{ alerts }, { rules }] = await Promise.all([this.service.get("alerts", [["limit", SHOWN_MAX]]), this.service.get("rules")]);
      this.showAlerts(alerts);
      this.showRules(rules);
      write(this.trouble, "");
    } catch (error) {
      write(this.trouble, error.message);
    }
    clearTimeout(this.timer);
    if (!this.gone) this.timer = setTimeout(this.ask, ASK_MS);
  }

  // Gives what went wrong, if anything did.
  async add({ text, level = "", name = "" }) {
    if (!text.trim()) return null;
    let wrong = null;
    try {
      const rule = await this.service.post("rules", { text, level, name });
      write(this.words, `Added: ${rule.text}. It counts from now on.`);
    } catch (error) {
      wrong = error;
      write(this.words, error.message);
    }
    this.ask();
    return wrong;
  }

  async remove(rule) {
    if (this.removing === rule.name) return; // A second click would only hear that it is gone.
    this.removing = rule.name;
    try {
      await this.service.remove(`rules/${encodeURIComponent(rule.name)}`);
      this.offer(rule, `Removed: ${rule.text}.`);
    } catch (error) {
      write(this.words, error.message);
    }
    this.removing = null;
    this.ask();
  }

  // A rule that was removed can be had again, also after a try that failed.
  offer(rule, said) {
    const back = button("a-link", "", async () => {
      const wrong = await this.add(rule);
      if (wrong) this.offer(rule, `Still removed: ${rule.text}. ${wrong.message}`);
    }, "Undo");
    this.words.replaceChildren(`${said} `, back);
    if (!this.field.matches(":focus")) back.focus(); // Whoever writes goes on writing.
  }

  showAlerts(alerts) {
    const told = JSON.stringify(alerts);
    if (told === this.told) return;
    this.told = told;
    this.list.replaceChildren(...alerts.map((alert) => this.row(alert)));
    if (!alerts.length) {
      this.list.append(element("div", "a-none", element("b", "", "Nothing to worry about so far"),
        element("p", "", "What a rule says, or a program itself, stands here within a second:"),
        element("pre", "", element("code", "", 'run.alert("Low accuracy", f"{accuracy:.2f} after an epoch", level="WARN")'))));
    } else if (alerts.length === SHOWN_MAX) this.list.append(element("p", "a-muted", `The latest ${whole(SHOWN_MAX)}; a run's page has its own on the timeline.`));
  }

  row({ level, title, text, time, step, run, name, label }) {
    const open = button("a-link", "Open this run", () => this.component.setTriggerValue("open", run), name || run);
    const where = element("span", "a-muted", open, ` · step ${whole(step)}${label ? ` · ${label}` : ""} · ${dateTime(Date.parse(time))}`);
    const row = element("div", "a-alert", element("i"), element("div", "", element("b", "", title), where, text ? element("p", "", text) : ""));
    row.dataset.level = level;
    row.firstChild.title = level.toLowerCase();
    return row;
  }

  showRules(rules) {
    const told = JSON.stringify(rules);
    if (told === this.toldRules) return;
    this.toldRules = told;
    this.rules.replaceChildren(...rules.map((rule) => {
      const row = element("div", "a-rule", element("i"), element("div", "", element("code", "", rule.text), element("span", "a-muted", rule.built_in ? "every project has it" : rule.name)), button("a-drop", `Remove ${rule.text}`, () => this.remove(rule), icon("cross")));
      row.dataset.level = rule.level;
      row.firstChild.title = rule.level.toLowerCase();
      return row;
    }));
    if (!rules.length) this.rules.append(element("p", "a-muted", "No rule: only what programs say themselves is heard."));
  }

  destroy() {
    this.gone = true;
    clearTimeout(this.timer);
    document.removeEventListener("visibilitychange", this.ask);
    this.root.remove();
  }
}

export default mounted(Alerts);
