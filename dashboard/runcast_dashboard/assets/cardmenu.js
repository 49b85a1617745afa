// What can be done with one chart: pin it to the top, hide it, show it large, take it away as a picture or as numbers.
// What is pinned and hidden is remembered by this browser, for each project.

import { button, element } from "./dom.js";

const REMEMBERED_MAX = 500; // Names of one project.

export class Choices {
  // `linked` are those of a link that was opened: they hold for this visit.
  constructor(project, linked) {
    this.key = `runcast charts ${project}`;
    this.pinned = new Set();
    this.hidden = new Set();
    try {
      const kept = linked ?? JSON.parse(localStorage.getItem(this.key) ?? "{}");
      for (const what of ["pinned", "hidden"]) this[what] = new Set([].concat(kept[what] ?? []).filter((name) => typeof name === "string"));
    } catch {
      // A browser that keeps nothing, or somebody's own words in our place.
    }
  }

  toggle(what, name) {
    if (!this[what].delete(name)) this[what].add(name);
    this.keep();
  }

  showAll() {
    this.hidden.clear();
    this.keep();
  }

  keep() {
    try {
      localStorage.setItem(this.key, JSON.stringify({ pinned: [...this.pinned].slice(-REMEMBERED_MAX), hidden: [...this.hidden].slice(-REMEMBERED_MAX) }));
    } catch {
      // It holds for this visit.
    }
  }
}

export class CardMenu {
  constructor(cards) {
    this.cards = cards;
    this.root = element("div", "menu");
    this.root.setAttribute("role", "menu");
    this.root.hidden = true;
    this.onAway = (event) => {
      if (!this.root.contains(event.composedPath()[0])) this.close();
    };
  }

  open(card, anchor) {
    const { cards } = this;
    const { choices } = cards;
    const entry = (text, act) => {
      const one = button("entry", "", () => {
        this.close();
        anchor.focus(); // Where the reader was; and what is hidden hears no keys.
        act();
      }, text);
      one.setAttribute("role", "menuitem");
      return one;
    };
    this.root.replaceChildren(
      entry(choices.pinned.has(card.name) ? "Unpin" : "Pin to the top", () => cards.choose("pinned", card.name)),
      entry(card.root.classList.contains("large") ? "Show small" : "Show large", () => cards.enlarge(card)),
      entry("Axis ranges…", () => cards.ranges.open(card, anchor)),
      entry("Save as PNG", () => savePicture(card, cards.board)),
      entry("Save as SVG", () => cards.board.ask({ op: "svg", metric: card.name })),
      entry("Save as CSV", () => cards.board.ask({ op: "csv", metric: card.name })),
      entry("Hide", () => cards.choose("hidden", card.name)));
    const [at, box] = [anchor.getBoundingClientRect(), cards.board.root.getBoundingClientRect()];
    Object.assign(this.root.style, { left: `${Math.max(8, at.right - box.left - 150)}px`, top: `${at.bottom - box.top + 4}px` });
    this.root.hidden = false;
    this.root.firstChild.focus();
    setTimeout(() => document.addEventListener("pointerdown", this.onAway, { capture: true, once: true }));
    this.root.onkeydown = (event) => this.walk(event, anchor);
  }

  walk(event, anchor) {
    const all = [...this.root.children];
    const at = all.indexOf(event.composedPath()[0]);
    if (event.key === "Escape") {
      this.close();
      anchor.focus();
    } else if (event.key === "ArrowDown") all[(at + 1) % all.length].focus();
    else if (event.key === "ArrowUp") all[(at + all.length - 1) % all.length].focus();
    else return;
    event.stopPropagation();
    event.preventDefault();
  }

  close() {
    this.root.hidden = true;
    document.removeEventListener("pointerdown", this.onAway, { capture: true });
  }
}

// The chart as it is drawn now, under its name.
function savePicture(card, board) {
  if (!card.canvas) return;
  const ratio = devicePixelRatio;
  const picture = document.createElement("canvas");
  const band = 30 * ratio;
  picture.width = card.width * ratio;
  picture.height = card.height * ratio + band;
  const context = picture.getContext("2d");
  context.fillStyle = board.theme.card;
  context.fillRect(0, 0, picture.width, picture.height);
  context.drawImage(card.canvas, 0, band, picture.width, card.height * ratio);
  context.fillStyle = getComputedStyle(board.root).color;
  context.font = `600 ${13 * ratio}px ${board.theme.font}`;
  context.fillText(card.name, 12 * ratio, 20 * ratio, picture.width - 24 * ratio);
  picture.toBlob((blob) => save(blob, `${fileName(card.name)}.png`));
}

export function save(blob, name) {
  const link = element("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

export const fileName = (text) => text.replace(/[^\p{L}\p{N}._-]+/gu, "_").slice(0, 100) || "chart";
