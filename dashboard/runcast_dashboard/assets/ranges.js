// The ends of one chart's axes, said by hand: a small form beside the chart. An end that is left empty follows what is shown.

import { metricOf, timed } from "./axis.js";
import { button, element, write } from "./dom.js";
import { dateTime, number } from "./format.js";
import { saidOf, withRange } from "./hand.js";
import { Popover } from "./popover.js";

const SECOND = 1000; // Time since a start is written in seconds.
const minute = (ms) => new Date(ms - new Date(ms).getTimezoneOffset() * 60_000).toISOString().slice(0, 19);

export class Ranges extends Popover {
  constructor(cards) {
    super("form", "ranges", "dialog", () => cards.board.root);
    this.cards = cards;
    this.root.noValidate = true;
    this.root.onsubmit = (event) => {
      event.preventDefault();
      if (this.apply()) this.close();
    };
    this.root.onchange = () => this.apply();
  }

  get options() {
    return this.cards.board.options;
  }

  open(card, anchor) {
    Object.assign(this, { card, axis: card.axis ?? "step" });
    const said = saidOf(this.options, card.name);
    this.root.setAttribute("aria-label", `Axes of ${card.name}`);
    const along = metricOf(this.axis) ?? { step: "step", rel: "seconds", wall: "time" }[this.axis];
    this.y = this.pair("y", "", said?.y);
    this.x = this.pair("x", along, said?.axis === this.axis ? said.x : null);
    this.wrong = element("p", "wrong");
    this.wrong.setAttribute("role", "alert");
    this.all = button("chip", "", () => this.clear(), "Automatic");
    this.all.title = "Let both axes follow what is shown";
    const done = element("button", "chip on", "Done");
    this.root.replaceChildren(this.y.row, this.x.row, this.wrong, element("div", "ranges-foot", this.all, element("div", "space"), done));
    this.show(anchor, this.y.fields[0]);
  }

  // Two fields, for the low end and the high one.
  pair(letter, along, ends) {
    const dated = letter === "x" && this.axis === "wall";
    const fields = ["from", "to"].map((word, k) => {
      const field = element("input", "search");
      Object.assign(field, { type: dated ? "datetime-local" : "number", step: dated ? "1" : "any", placeholder: "auto", autocomplete: "off" });
      field.setAttribute("aria-label", `${letter} ${word}`);
      const end = ends?.[k] ?? null;
      if (end !== null) field.value = dated ? minute(end) : String(letter === "x" && this.axis === "rel" ? end / SECOND : end);
      return field;
    });
    const name = element("span", "ranges-along", letter, element("small", "", along));
    name.title = along;
    return { fields, row: element("div", dated ? "ranges-row dated" : "ranges-row", name, fields[0], element("i", "", "–"), fields[1]) };
  }

  // What the fields say, in the axis's own units; undefined where they say nothing that an axis can be.
  read({ fields }, scale) {
    const ends = fields.map((field) => (field.validity.badInput ? NaN : field.value === "" ? null : field.type === "number" ? Number(field.value) * scale : Date.parse(field.value)));
    const fits = ends.every((end) => end === null || Number.isFinite(end)) && (ends.includes(null) || ends[0] < ends[1]);
    for (const field of fields) field.setAttribute("aria-invalid", String(!fits));
    return fits ? ends : undefined;
  }

  apply() {
    const y = this.read(this.y, 1);
    const x = this.read(this.x, this.axis === "rel" ? SECOND : 1);
    const garbled = [...this.y.fields, ...this.x.fields].some((field) => field.validity.badInput);
    write(this.wrong, garbled ? "That is no number." : y && x ? "" : "The first must be below the second.");
    if (!y || !x) return false;
    const given = (ends) => ends.some((end) => end !== null);
    const said = { ...(given(y) && { y }), ...(given(x) && { x, axis: this.axis }) };
    this.keep(given(y) || given(x) ? said : null);
    return true;
  }

  clear() {
    this.keep(null);
    this.close();
  }

  keep(said) {
    const { name } = this.card;
    if (JSON.stringify(said) === JSON.stringify(saidOf(this.options, name))) return;
    this.cards.board.setOptions({ ranges: withRange(this.options.ranges, name, said) });
    this.mark(this.card);
  }

  // A chart whose ends were said shows that it is so.
  mark(card) {
    const said = saidOf(this.options, card.name);
    card.byHand.hidden = !said;
    if (!said) return;
    const words = (ends, say) => ends.map((end) => (end === null ? "auto" : say(end))).join(" to ");
    const onX = (end) => (!timed(said.axis) ? number(end) : said.axis === "wall" ? dateTime(end) : `${number(end / SECOND)} s`);
    const text = [said.y && `y ${words(said.y, number)}`, said.x && `x ${words(said.x, onX)}`].filter(Boolean).join(", ");
    card.byHand.title = `Axes by hand: ${text}`;
    card.byHand.setAttribute("aria-label", `Axes of ${card.name} by hand: ${text}`);
  }

  back() {
    (this.anchor.hidden ? this.card.root.querySelector(".grow") : this.anchor).focus();
  }
}
