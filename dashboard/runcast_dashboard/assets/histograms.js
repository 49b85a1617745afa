// A key's histograms: that of the moment, and below it all of them side by side. They are read when the card is near the
// screen, and of very many only some.

import { write } from "./dom.js";
import { Heat } from "./heat.js";
import { MediaCard } from "./mediacard.js";
import { whole } from "./format.js";

const PER_READ = 300; // About as many as there are columns that can be told apart.

export class HistogramCard extends MediaCard {
  constructor(panels, name, key, label) {
    super(panels, name, key);
    Object.assign(this, { key, label, near: false, logged: 0, known: 0, after: 0 });
    this.heat = new Heat((at) => this.chosen(at));
    this.stage.after(this.heat.root);
    this.slider.hidden = true;
  }

  async read() {
    if (this.known === this.logged) return;
    const { logged } = this;
    let told;
    try {
      told = await this.panels.service.get("histogram", [["key", this.key], ["label", this.label], ["after", this.after], ["limit", PER_READ]]);
    } catch (error) {
      write(this.note, error.message); // Of this key; the others are read.
      return;
    }
    const { media, next } = told;
    Object.assign(this, { after: next, known: logged });
    for (const item of media) this.add(item);
    if (this.items.length > 2 * PER_READ) this.thin();
    this.heat.draw(this.items.map(({ value }) => value));
    this.at = null; // The same place may be another item.
    this.show(this.panels.moment);
  }

  // Leave every second one out, never the newest.
  thin() {
    const { length } = this.items;
    this.items = this.items.filter((_, k) => (length - 1 - k) % 2 === 0);
    this.slider.max = String(this.items.length - 1);
    this.kept = null;
  }

  put(at) {
    super.put(at);
    this.heat.point(at, this.items.length);
  }

  said(at) {
    if (!this.items.length) return "";
    return `${super.said(at)}${this.known > this.items.length ? `, ${whole(this.known)} logged` : ""}`;
  }
}
