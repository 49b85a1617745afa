// What a run logged to be looked at: a card for each key, with the item of the moment that the page shows. Things are all
// told of at once, histograms when their card comes near the screen: a model that is watched has them by the ten thousand.

import { element, search, write } from "./dom.js";
import { whole } from "./format.js";
import { HistogramCard } from "./histograms.js";
import { MediaCard } from "./mediacard.js";

const PER_READ = 1000;
const ITEMS_MAX = 20_000; // About 10 MB of what they say; the pictures come one by one.
const EASE = 20; // A list that took so long to make is not asked for again for so many times as long.
const NEAR = "240px 0px"; // A card is near when it would be seen after scrolling so far.

export class Media {
  constructor(panels) {
    this.panels = panels;
    this.after = 0;
    this.cards = new Map();
    this.count = 0;
    this.find = search("Filter media", () => this.filter());
    this.words = element("span", "note");
    this.grid = element("div", "media-grid");
    this.empty = element("div", "teach", element("h2", "", "Nothing to look at yet"),
      element("p", "", "Pictures, histograms, sounds, films, tables and pages that the training logs are shown here, each at its step."),
      element("pre", "snippet", element("code", "", 'run.log({"sample": wandb.Image(array, caption="step 1")})')));
    this.empty.hidden = true;
    this.root = element("div", "panel", element("div", "panel-bar", this.find, this.words), this.grid, this.empty);
    this.moment = null;
    this.listedUntil = 0;
    this.near = new IntersectionObserver((entries) => entries.forEach(({ target, isIntersecting }) => {
      this.cards.get(target.dataset.id).near = isIntersecting;
      if (isIntersecting) this.panels.poll();
    }), { root: this.root, rootMargin: NEAR });
  }

  async read() {
    await this.readThings();
    await this.readKeys();
    this.filter();
    this.empty.hidden = this.cards.size > 0;
    this.find.hidden = this.cards.size < 4;
    for (const card of this.cards.values()) if (card.near) await card.read();
  }

  async readKeys() {
    const begun = performance.now();
    if (begun < this.listedUntil) return;
    const { histograms } = await this.panels.service.get("histograms");
    this.listedUntil = performance.now() + EASE * (performance.now() - begun);
    for (const { key, label, count } of histograms) this.card(key, label, HistogramCard).logged = count;
  }

  async readThings() {
    if (this.count >= ITEMS_MAX) return;
    const { service } = this.panels;
    let page;
    do {
      page = await service.get("media", [["after", this.after], ["limit", PER_READ]]);
      this.after = page.next;
      for (const item of page.media) this.add(item);
    } while (page.media.length === PER_READ && this.count < ITEMS_MAX);
    for (const card of this.cards.values()) card.show(this.moment);
  }

  add(item) {
    this.card(item.key, item.label, MediaCard).add(item);
    this.count++;
  }

  // The card of a key, of each rank its own.
  card(key, label, Kind) {
    const name = label ? `${key} · ${label}` : key;
    const id = `${Kind.name} ${name}`; // A key may have had pictures first, and histograms later.
    let card = this.cards.get(id);
    if (!card) {
      card = new Kind(this.panels, name, key, label);
      this.cards.set(id, card);
      Object.assign(card.root.dataset, { id, name });
      const last = this.grid.lastChild; // Keys come by name, as a rule.
      const behind = last?.dataset.name > name ? [...this.grid.children].find((root) => root.dataset.name > name) : null;
      this.grid.insertBefore(card.root, behind);
      if (Kind === HistogramCard) this.near.observe(card.root);
    }
    return card;
  }

  filter() {
    const query = this.find.value.trim().toLowerCase();
    for (const { root } of this.cards.values()) root.hidden = !!query && !root.dataset.name.toLowerCase().includes(query);
  }

  show(moment) {
    this.moment = moment;
    for (const card of this.cards.values()) card.show(moment);
  }

  trouble(sentence) {
    write(this.words, sentence || (this.count >= ITEMS_MAX ? `the first ${whole(ITEMS_MAX)}` : ""));
  }
}
