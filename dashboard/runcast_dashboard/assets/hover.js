// The pointer over a chart: crosshairs on all charts at once, and the stretch that is pulled out to zoom in.

import { Tip } from "./tip.js";

const PAD = { left: 50, right: 12 }; // As in chart.js.
const DRAG_MIN = 0.015; // Less of the width is a click, not a stretch.

const within = (part) => Math.min(1, Math.max(0, part));

export class Hover {
  constructor(cards) {
    this.cards = cards;
    this.board = cards.board;
    this.tip = new Tip(this.board);
  }

  watch(card) {
    const { plot } = card;
    const at = (event) => {
      const box = plot.getBoundingClientRect();
      return [(event.clientX - box.left - PAD.left) / (box.width - PAD.left - PAD.right), (event.clientY - box.top - 8) / (box.height - 30)];
    };
    let from = null;
    let waiting = 0;
    const move = (event) => {
      const [x, y] = at(event);
      if (from !== null) this.showStretch(card, from, within(x));
      if (x < 0 || x > 1) return this.leave();
      this.showCross(card, x);
      this.tip.follow(event);
      return this.board.ask({ op: "hover", at: { id: card.name, x, y } });
    };
    plot.onpointermove = (event) => {
      cancelAnimationFrame(waiting);
      waiting = requestAnimationFrame(() => move(event));
    };
    plot.onpointerleave = () => {
      cancelAnimationFrame(waiting);
      this.leave();
    };
    plot.onpointerdown = (event) => {
      if (event.button !== 0) return;
      from = within(at(event)[0]);
      plot.setPointerCapture(event.pointerId);
    };
    const end = (event) => {
      const to = within(at(event)[0]);
      card.stretch.style.display = "none";
      if (from !== null && event.type === "pointerup" && Math.abs(to - from) > DRAG_MIN) this.board.ask({ op: "zoom", id: card.name, part: [Math.min(from, to), Math.max(from, to)] });
      from = null;
    };
    plot.onpointerup = end;
    plot.onpointercancel = end;
    plot.ondblclick = () => this.board.ask({ op: "zoom", part: null });
  }

  showStretch(card, from, to) {
    const width = card.width - PAD.left - PAD.right;
    Object.assign(card.stretch.style, { display: "block", left: `${PAD.left + Math.min(from, to) * width}px`, width: `${Math.abs(to - from) * width}px` });
  }

  showCross(over, x) {
    for (const card of this.cards.cards.values()) {
      if (!card.canvas) continue;
      // Along another axis, as that of samples of the machine, the same place is something else.
      if (card.axis !== over.axis) continue;
      const part = card === over ? x : this.elsewhere(over, x, card);
      card.cross.style.transform = `translateX(${PAD.left + part * (card.width - PAD.left - PAD.right)}px)`;
      card.cross.style.opacity = part < 0 || part > 1 ? 0 : card === over ? 0.9 : 0.4;
    }
  }

  // Where a place of one chart lies on another, whose ends may have been said by hand.
  elsewhere({ x: shown }, part, { x: other }) {
    if (!shown || !other) return part;
    return (shown[0] + part * (shown[1] - shown[0]) - other[0]) / (other[1] - other[0]);
  }

  leave() {
    this.tip.hide();
    for (const card of this.cards.cards.values()) if (card.canvas) card.cross.style.opacity = 0;
    this.board.ask({ op: "hover", at: null });
  }
}
