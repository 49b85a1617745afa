// The charts as cards, in sections by the first part of the metric's name; the pointer over them; and what is near
// the screen. A card has a canvas only while it is near: a thousand metrics cost no more than a screenful.

import { build, entitle, furnish } from "./card.js";
import { CardMenu } from "./cardmenu.js";
import { Choices } from "./choices.js";
import { button, element, icon, write } from "./dom.js";
import { whole } from "./format.js";
import { Hover } from "./hover.js";
import { sample } from "./machine.js";
import { isSystem } from "./names.js";
import { natural, ordered, sectionOf } from "./order.js";
import { Placing } from "./placing.js";
import { Ranges } from "./ranges.js";
import { arrange } from "./rows.js";

const FLAT_MAX = 9; // So few fill one screen: sections would only leave holes.
const NEAR = "240px"; // A card gets its canvas this long before it scrolls into view.
const SYSTEM = "System"; // The section of what the machines did.
const PINNED = "Pinned"; // What the reader wants to see first.

// Of which metric a card is, by its root.
const nameOf = (root) => root?.querySelector(".plot")?.dataset.name;

export class Cards {
  constructor(board) {
    this.board = board;
    this.cards = new Map(); // Metric name → card.
    this.sections = new Map();
    this.query = board.data.moment?.find ?? null;
    this.choices = new Choices(board.data.project, board.data.moment?.charts);
    this.hover = new Hover(this);
    this.menu = new CardMenu(this);
    this.ranges = new Ranges(this);
    this.placing = new Placing(this);
    this.floating = [this.hover.tip.root, this.menu.root, this.ranges.root, this.placing.root];
    this.list = element("div", "sections");
    this.nothing = element("div", "nothing");
    this.nothing.hidden = true;
    this.back = button("link", "", () => this.showAll());
    this.back.hidden = true;
    this.list.addEventListener("focusin", ({ target }) => this.reach(target));
    this.root = element("div", "scroll", this.list, this.nothing, this.back);
    this.near = new IntersectionObserver((entries) => entries.forEach((entry) => this.seen(entry)), { root: this.root, rootMargin: NEAR });
    this.sizes = new ResizeObserver((entries) => entries.forEach((entry) => this.resized(entry)));
  }

  get count() {
    return this.cards.size;
  }

  add(names) {
    const fresh = names.filter((name) => !this.cards.has(name));
    if (!fresh.length) return;
    for (const name of fresh) this.cards.set(name, build(this, name));
    this.arrange();
    this.choosePrimary();
    this.filter(this.query);
  }

  enlarge({ root }) {
    root.classList.toggle("large");
    root.scrollIntoView({ block: "nearest" });
  }

  choose(what, name) {
    this.choices.toggle(what, name);
    this.arrange();
    this.filter(this.query);
  }

  // A size in columns and rows, as it is shown; `resize` keeps it.
  fit({ root }, [wide, high]) {
    root.dataset.wide = String(wide);
    root.dataset.high = String(high);
  }

  resize(card, size) {
    this.choices.resize(card.name, size);
    this.fit(card, size);
  }

  // The order of the section that a card stands in; null is the natural one.
  reorder(card, names) {
    this.choices.reorder(card.section, names);
    this.arrange();
    this.filter(this.query);
  }

  namesBeside(card) {
    return [...card.root.parentNode.children].map(nameOf);
  }

  showAll() {
    this.choices.showAll();
    this.filter(this.query);
  }

  arrange() {
    const { logged } = this;
    const flat = logged <= FLAT_MAX;
    const { pinned } = this.choices;
    const groups = new Map();
    for (const name of [...this.cards.keys()].sort((a, b) => pinned.has(b) - pinned.has(a) || natural(a, b))) {
      const group = pinned.has(name) ? PINNED : isSystem(name) ? this.partOf(name) : flat ? "All metrics" : sectionOf(name);
      if (!groups.has(group)) groups.set(group, []);
      groups.get(group).push(name);
    }
    for (const [group, names] of groups) {
      let section = this.sections.get(group);
      if (!section) this.sections.set(group, (section = this.buildSection(group, isSystem(names[0]) && group !== PINNED)));
      const cards = ordered(names, this.choices.order.get(group)).map((name) => this.cards.get(name));
      for (const card of cards) {
        card.section = group;
        entitle(card, flat || group === PINNED ? "" : group);
      }
      arrange(section.body, cards.map(({ root }) => root));
      write(section.count, String(cards.length));
    }
    for (const [group, section] of this.sections) {
      if (groups.has(group)) continue;
      section.root.remove();
      this.sections.delete(group);
    }
    // Few charts are drawn higher, so that they fill the screen.
    const few = [...groups.values()].filter(([name]) => !isSystem(name)).length === 1 && logged ? logged : Infinity;
    this.list.style.setProperty("--rows", String(few === 4 ? 2 : Math.min(3, Math.ceil(few / 3))));
    this.list.dataset.few = String(few);
    const order = [...groups.keys()].map((group) => this.sections.get(group).root);
    if (order.some((root, i) => this.list.children[i] !== root)) this.list.replaceChildren(...order);
  }

  // One run's machine has a tab of its own, in parts; beside many runs it is one section.
  partOf(name) {
    return this.board.single ? `${SYSTEM}: ${sample(name).part}` : SYSTEM;
  }

  // How many charts are of what the program logged.
  get logged() {
    return [...this.cards.keys()].filter((name) => !isSystem(name)).length;
  }

  get hasSystem() {
    return [...this.cards.keys()].some(isSystem);
  }

  buildSection(group, system) {
    const count = element("span", "badge");
    const body = element("div", "cards");
    const head = button("section-head", "", () => {
      root.classList.toggle("shut");
      head.setAttribute("aria-expanded", String(!root.classList.contains("shut")));
    }, icon("chevron"), element("b", "", group.replace(`${SYSTEM}: `, "")), count);
    // How machines did is looked at for one run; beside many, it stands ready.
    const root = element("section", system ? (this.board.single ? "system" : "system shut") : "", head, body);
    head.setAttribute("aria-expanded", String(!root.classList.contains("shut")));
    return { root, body, count };
  }

  // The metric whose last value stands beside the runs, until somebody chooses another.
  choosePrimary() {
    if (this.chosen) return;
    const names = [...this.cards.keys()].filter((name) => !isSystem(name)).sort(natural);
    const best = names.find((name) => /val.*(acc|loss)/i.test(name)) ?? names.find((name) => /acc|loss|reward|score/i.test(name)) ?? names[0];
    if (best !== undefined && best !== this.primary) this.setPrimary(best, false);
  }

  setPrimary(name, chosen = true) {
    this.chosen ||= chosen;
    this.primary = name;
    for (const card of this.cards.values()) card.root.classList.toggle("primary", card.name === name);
    this.board.ask({ op: "primary", metric: name });
  }

  // A regular expression if it is one, else a plain part of the name.
  filter(query) {
    this.query = query;
    const text = (query ?? "").trim();
    let matches = (name) => name.toLowerCase().includes(text.toLowerCase());
    try {
      const pattern = new RegExp(text, "i");
      const plain = matches;
      matches = (name) => pattern.test(name) || plain(name);
    } catch {
      // Not yet a regular expression: somebody is still typing it.
    }
    let left = 0;
    for (const section of this.sections.values()) {
      let shown = 0;
      for (const child of section.body.children) {
        const name = nameOf(child);
        child.hidden = this.choices.hidden.has(name) || (!!text && !matches(name));
        shown += !child.hidden;
      }
      section.root.hidden = !shown;
      left += shown;
    }
    const hidden = [...this.choices.hidden].filter((name) => this.cards.has(name)).length;
    this.back.hidden = !hidden;
    write(this.back, `${whole(hidden)} hidden ${hidden === 1 ? "chart" : "charts"}: show again`);
    this.nothing.hidden = left > 0 || !this.cards.size || !text;
    write(this.nothing, `No metric matches “${text}”.`);
    const last = this.cards.get(nameOf([...this.list.querySelectorAll(".card:not([hidden])")].at(-1)));
    if (last) furnish(this, last); // Where keys enter from below.
  }

  seen({ target, isIntersecting }) {
    const card = this.cards.get(target.dataset.name);
    if (!card || isIntersecting === !!card.canvas) return;
    if (isIntersecting) this.hang(card);
    else this.takeDown(card);
  }

  hang(card) {
    const box = card.plot.getBoundingClientRect();
    card.width = Math.round(box.width);
    card.height = Math.round(box.height);
    if (!card.width || !card.height) return;
    furnish(this, card);
    card.canvas = element("canvas");
    card.plot.prepend(card.canvas, card.cross); // Each crosshair is a layer, and a hundred of them cost as much as the charts.
    const canvas = card.canvas.transferControlToOffscreen();
    this.board.ask({ op: "chart", id: card.name, canvas, width: card.width, height: card.height }, [canvas]);
    this.sizes.observe(card.plot);
  }

  // Who goes on by keys finds the buttons of the next card, and of the one before, though they are out of view.
  reach(target) {
    const stops = [...this.list.querySelectorAll(".section-head, .card:not([hidden])")];
    const at = stops.indexOf(target.closest(".section-head, .card"));
    for (const stop of [stops[at - 1], stops[at + 1]]) {
      const card = this.cards.get(nameOf(stop));
      if (card) furnish(this, card);
    }
  }

  takeDown(card) {
    this.sizes.unobserve(card.plot);
    card.canvas.remove();
    card.cross.remove();
    card.cross.style.opacity = 0;
    card.canvas = null;
    this.board.ask({ op: "drop", id: card.name });
  }

  resized({ target, contentRect }) {
    const card = this.cards.get(target.dataset.name);
    const width = Math.round(contentRect.width);
    const height = Math.round(contentRect.height);
    if (!card?.canvas || !width || !height || (width === card.width && height === card.height)) return;
    Object.assign(card, { width, height });
    this.board.ask({ op: "size", id: card.name, width, height });
  }

  // What a chart does not show as it is: fewer points than were logged, or values that are no numbers.
  showNotes(notes) {
    for (const [name, { shown, total, broken, axis, x, apart }] of Object.entries(notes)) {
      const card = this.cards.get(name);
      if (!card?.canvas) continue;
      Object.assign(card, { axis, x });
      write(card.broken, !broken ? "" : this.board.single ? "NaN" : `NaN in ${broken} ${broken === 1 ? "run" : "runs"}`);
      write(card.count, apart ? `no row has ${apart} too` : total > shown ? `${whole(shown)} ${total === Infinity ? "points or more" : `of ${whole(total)} points`}` : "");
      card.note.title = total > shown ? "The first, lowest, highest and last point of each pixel column: the picture is the same. Zoom in for more." : "";
    }
  }

  // In sentences, for who cannot see the charts.
  describe(spoken) {
    for (const [name, text] of Object.entries(spoken)) this.cards.get(name)?.plot.setAttribute("aria-label", text);
  }

  destroy() {
    for (const panel of [this.menu, this.ranges, this.placing]) panel.close(false);
    this.near.disconnect();
    this.sizes.disconnect();
  }
}
