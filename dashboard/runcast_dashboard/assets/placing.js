// Where charts stand and how large they are, as the reader says: a chart is pulled by its head to another place in its
// section, and by its corner to another size; or both are said in a panel, by keys or by touch.

import { HIGH_MAX, WIDE_MAX } from "./choices.js";
import { button, choice, element } from "./dom.js";
import { Popover } from "./popover.js";

const PULL_MIN = 5; // Pixels; less is a click.
const EDGE = 48; // So near to the edge of the list, it scrolls along.
const SCROLL_STEP = 14;

export class Placing extends Popover {
  constructor(cards) {
    super("div", "placing", "dialog", () => cards.board.root);
    this.cards = cards;
  }

  open(card, anchor) {
    const { cards } = this;
    this.root.setAttribute("aria-label", `Place and size of ${card.name}`);
    const earlier = button("chip", "Before the chart that stands before it", () => this.shift(card, -1), "← Earlier");
    const later = button("chip", "After the chart that stands after it", () => this.shift(card, 1), "Later →");
    const [wide, high] = cards.choices.sizeOf(card.name);
    const size = (part, value) => {
      const chosen = [...cards.choices.sizeOf(card.name)];
      chosen[part] = Number(value);
      cards.resize(card, chosen);
    };
    const width = choice([["1", "1", "One column wide"], ["2", "2", "Two columns wide"], ["3", "Full", "As wide as the board"]], String(wide), (value) => size(0, value));
    const height = choice([["1", "1", "As high as others"], ["2", "2", "Twice as high"]], String(high), (value) => size(1, value));
    const natural = button("chip", "The section's charts in their natural order, this one in its natural size", () => {
      cards.reorder(card, null);
      cards.resize(card, [1, 1]);
      this.close();
    }, "Automatic");
    const row = (word, ...parts) => element("div", "placing-row", element("span", "muted", word), ...parts);
    this.root.replaceChildren(row("Place", earlier, later), row("Width", width), row("Height", height), row("", natural));
    this.show(anchor, earlier);
  }

  shift(card, by) {
    const names = this.cards.namesBeside(card);
    const at = names.indexOf(card.name);
    const to = at + by;
    if (to < 0 || to >= names.length) return;
    [names[at], names[to]] = [names[to], names[at]];
    this.cards.reorder(card, names);
    card.root.scrollIntoView({ block: "nearest" });
  }

  // A card's head and corner, under a pointer that can rest. By touch, pulling scrolls.
  watch(card) {
    card.head.onpointerdown = (event) => this.pull(event, card, this.moving(card));
    card.corner.onpointerdown = (event) => this.pull(event, card, this.sizing(card));
  }

  pull(event, card, steps) {
    if (event.button !== 0 || event.pointerType === "touch" || event.composedPath().some((node) => node.matches?.("button"))) return;
    const { clientX: x0, clientY: y0 } = event;
    event.preventDefault(); // Text is not to be selected.
    let pulled = false;
    const move = (now) => {
      if (!pulled && Math.hypot(now.clientX - x0, now.clientY - y0) < PULL_MIN) return;
      if (!pulled) card.root.classList.add("pulled");
      pulled = true;
      steps.to(now);
    };
    // A click that ends a pull is none.
    const swallow = (click) => {
      click.stopPropagation();
      click.preventDefault();
    };
    const end = (last) => {
      for (const name of ["pointermove", "pointerup", "pointercancel", "keydown"]) window.removeEventListener(name, heard[name], { capture: true });
      card.root.classList.remove("pulled");
      if (!pulled) return;
      if (last.type === "pointerup") {
        window.addEventListener("click", swallow, { capture: true, once: true });
        setTimeout(() => window.removeEventListener("click", swallow, { capture: true }));
        steps.done();
      } else steps.undo();
    };
    const heard = {
      pointermove: move,
      pointerup: end,
      pointercancel: end,
      keydown: (key) => {
        if (key.key !== "Escape") return;
        swallow(key);
        end(key);
      },
    };
    for (const [name, hear] of Object.entries(heard)) window.addEventListener(name, hear, { capture: true });
  }

  // The card goes along with the pointer, from place to place: what is seen is what it will be.
  moving(card) {
    const { cards } = this;
    return {
      to: ({ clientX, clientY }) => {
        const box = cards.root.getBoundingClientRect();
        if (clientY < box.top + EDGE) cards.root.scrollBy(0, -SCROLL_STEP);
        if (clientY > box.bottom - EDGE) cards.root.scrollBy(0, SCROLL_STEP);
        const other = [...card.root.parentNode.children].find((one) => {
          const { left, right, top, bottom } = one.getBoundingClientRect();
          return clientX >= left && clientX <= right && clientY >= top && clientY <= bottom;
        });
        if (!other || other === card.root) return;
        // Past its middle, so that two cards of different size don't change places to and fro.
        const { left, width, top, height } = other.getBoundingClientRect();
        const own = card.root.getBoundingClientRect();
        const part = Math.abs(own.top - top) < height / 2 ? (clientX - left) / width : (clientY - top) / height;
        const behind = !!(card.root.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING);
        if (behind ? part > 0.4 : part < 0.6) other[behind ? "after" : "before"](card.root);
      },
      done: () => cards.reorder(card, cards.namesBeside(card)),
      undo: () => cards.arrange(),
    };
  }

  // Sizes are whole columns and rows: charts stay in line with each other.
  sizing(card) {
    const { cards } = this;
    const before = cards.choices.sizeOf(card.name);
    const box = card.root.getBoundingClientRect();
    const columns = getComputedStyle(card.root.parentNode).gridTemplateColumns.split(" ").length;
    const column = card.root.parentNode.clientWidth / columns;
    const row = box.height / before[1];
    let size = before;
    return {
      to: ({ clientX, clientY }) => {
        const wide = Math.max(1, Math.round((clientX - box.left) / column));
        const high = Math.min(HIGH_MAX, Math.max(1, Math.round((clientY - box.top) / row)));
        size = [wide >= columns && columns > 1 ? WIDE_MAX : Math.min(WIDE_MAX - 1, wide), high];
        cards.fit(card, size);
      },
      done: () => cards.resize(card, size),
      undo: () => cards.fit(card, before),
    };
  }
}
