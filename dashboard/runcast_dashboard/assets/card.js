// One chart's card, without the chart: its title, what stands beside that, and what lies over the plot.

import { button, element, icon } from "./dom.js";
import { sample } from "./machine.js";
import { isSystem } from "./names.js";

// What a card is while nobody sees it: its place, and its title.
export function build(cards, name) {
  const title = element("b");
  const plot = element("div", "plot");
  const head = element("div", "title", title);
  const root = element("div", "card", head, plot);
  const card = { name, root, head, title, plot, width: 0, height: 0, canvas: null };
  plot.dataset.name = name;
  plot.setAttribute("role", "img");
  plot.setAttribute("aria-label", name);
  title.title = `${name}: click to list its last values beside the runs`;
  title.onclick = () => cards.setPrimary(name);
  cards.fit(card, cards.choices.sizeOf(name));
  cards.near.observe(plot);
  return card;
}

// The rest of it, when it first comes near the screen, or the focus: of a thousand cards most never do.
export function furnish(cards, card) {
  if (card.corner) return;
  const cross = element("div", "cross");
  const stretch = element("div", "stretch");
  const corner = element("div", "corner");
  const broken = element("span", "broken");
  const count = element("span");
  const note = element("span", "note", broken, count);
  const byHand = button("ghost by-hand", "", () => cards.ranges.open(card, byHand), icon("range"));
  const grow = button("ghost grow", "Show large", () => cards.enlarge(card), icon("grow"));
  const more = button("ghost grow", `More for ${card.name}`, () => cards.menu.open(card, more), icon("more"));
  Object.assign(card, { cross, stretch, corner, broken, count, note, byHand });
  card.head.append(note, byHand, grow, more);
  card.plot.append(stretch);
  card.root.append(corner);
  cards.ranges.mark(card);
  cards.hover.watch(card);
  cards.placing.watch(card);
}

// The part of the name that the section says already is left out; the folder before the last part is grey.
export function entitle(card, group) {
  if (isSystem(card.name)) {
    const { part, words, unit } = sample(card.name);
    card.title.replaceChildren(`${part} ${words}`, ...(unit ? [element("span", "folder", ` ${unit}`)] : []));
    return;
  }
  const shown = group && card.name.startsWith(`${group}/`) ? card.name.slice(group.length + 1) : card.name;
  const cut = shown.lastIndexOf("/") + 1;
  card.title.replaceChildren(...(cut ? [element("span", "folder", shown.slice(0, cut))] : []), shown.slice(cut));
}
