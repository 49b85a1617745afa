// A small panel that opens where it was asked for, and goes by escape or by a click elsewhere; the focus goes back to
// where it came from. Keys that are pressed in it are not the board's.

import { element } from "./dom.js";

const MARGIN = 8; // Between a panel and the edge of the board.

export class Popover {
  // `frame` is what it is placed in, when it has no place of its own in the stylesheet.
  constructor(tag, classes, role, frame = null) {
    this.frame = frame;
    this.root = element(tag, `menu ${classes}`);
    this.root.setAttribute("role", role);
    this.root.hidden = true;
    this.root.onkeydown = (event) => {
      if (event.key === "Escape") this.close();
      else if (!this.pressed(event)) return;
      event.stopPropagation();
      event.preventDefault();
    };
    this.onAway = (event) => {
      const [at] = event.composedPath();
      if (!this.root.contains(at) && !this.anchor.contains(at)) this.close(false);
    };
  }

  // Keys of its own; true for those that were meant for it.
  pressed(event) {
    event.stopPropagation();
    return false;
  }

  show(anchor, first) {
    this.anchor = anchor;
    this.root.hidden = false;
    anchor.setAttribute("aria-expanded", "true");
    if (this.frame) this.place(anchor.getBoundingClientRect(), this.frame().getBoundingClientRect());
    first.focus();
    document.addEventListener("pointerdown", this.onAway, { capture: true });
  }

  // Under the right end of its anchor, or as near to that as the frame has room.
  place(at, box) {
    const left = Math.min(at.right, box.right - MARGIN) - box.left - this.root.offsetWidth;
    const top = Math.min(at.bottom - box.top + 4, box.height - this.root.offsetHeight - MARGIN);
    Object.assign(this.root.style, { left: `${Math.max(MARGIN, left)}px`, top: `${Math.max(MARGIN, top)}px` });
  }

  // Where the reader was.
  back() {
    this.anchor.focus();
  }

  close(back = true) {
    if (this.root.hidden) return;
    this.root.hidden = true;
    this.anchor.setAttribute("aria-expanded", "false");
    document.removeEventListener("pointerdown", this.onAway, { capture: true });
    if (back) this.back();
  }
}
