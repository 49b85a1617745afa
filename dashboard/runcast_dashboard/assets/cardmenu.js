// What can be done with one chart: pin it to the top, say its place and size, hide it, show it large, take it away as a
// picture or as numbers.

import { button, element } from "./dom.js";
import { Popover } from "./popover.js";

export class CardMenu extends Popover {
  constructor(cards) {
    super("div", "", "menu", () => cards.board.root);
    this.cards = cards;
  }

  open(card, anchor) {
    if (!this.root.hidden && this.anchor === anchor) return this.close();
    const { cards } = this;
    const { choices } = cards;
    const entry = (text, act) => {
      const one = button("entry", "", () => {
        this.close(); // The focus goes back first: what is hidden hears no keys.
        act();
      }, text);
      one.setAttribute("role", "menuitem");
      return one;
    };
    this.root.replaceChildren(
      entry(choices.pinned.has(card.name) ? "Unpin" : "Pin to the top", () => cards.choose("pinned", card.name)),
      entry(card.root.classList.contains("large") ? "Show small" : "Show large", () => cards.enlarge(card)),
      entry("Place and size…", () => cards.placing.open(card, anchor)),
      entry("Axis ranges…", () => cards.ranges.open(card, anchor)),
      entry("Save as PNG", () => savePicture(card, cards.board)),
      entry("Save as SVG", () => cards.board.ask({ op: "svg", metric: card.name })),
      entry("Save as CSV", () => cards.board.ask({ op: "csv", metric: card.name })),
      entry("Hide", () => cards.choose("hidden", card.name)));
    return this.show(anchor, this.root.firstChild);
  }

  pressed(event) {
    const all = [...this.root.children];
    const at = all.indexOf(event.composedPath()[0]);
    if (event.key === "ArrowDown") all[(at + 1) % all.length].focus();
    else if (event.key === "ArrowUp") all[(at + all.length - 1) % all.length].focus();
    else return false;
    return true;
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
