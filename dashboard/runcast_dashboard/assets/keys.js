// The keyboard: space plays and pauses, arrows seek, comma and full stop go from point to point and brackets from mark to
// mark, `l` follows live, `/` filters, escape undoes, `?` says all that.

const PRESSED = "button, summary, a, audio, video, [role=log]"; // The space bar means something of their own to them.
const SEEK_MS = 5000;
const SEEK_FAR_MS = 60_000; // With shift.

export class Keys {
  constructor(board) {
    this.board = board;
    this.onKey = (event) => this.pressed(event);
    window.addEventListener("keydown", this.onKey);
  }

  pressed(event) {
    const { board } = this;
    const target = event.composedPath()[0];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (board.help.root.open) {
      if (event.key === "?") board.help.toggle();
      return; // A dialog closes itself by escape.
    }
    const typing = target.matches?.("input:not([type=range]), textarea, select, [contenteditable], [role=combobox]");
    if ((typing && target !== board.toolbar.find) || document.querySelector("[role=dialog]")) return;
    if (event.key === "Escape") {
      this.undo(target);
      return;
    }
    if (typing) return;
    if (event.code === "Space" && target.matches?.(PRESSED)) return;
    if (event.code === "Space") board.dock.toggle();
    else if (event.key === "l") board.ask({ op: "live" });
    else if (event.key === "[" || event.key === "]") board.dock.timeline.step(event.key === "[" ? -1 : 1);
    else if (event.key === "," || event.key === ".") board.ask({ op: "step", by: event.key === "," ? -1 : 1 });
    else if (event.key === "?") board.help.toggle();
    else if (event.key === "/") board.toolbar.find.focus();
    else if ((event.key === "ArrowLeft" || event.key === "ArrowRight") && !target.matches?.("input")) {
      board.ask({ op: "seek", by: (event.key === "ArrowLeft" ? -1 : 1) * (event.shiftKey ? SEEK_FAR_MS : SEEK_MS) });
    } else return;
    event.preventDefault();
  }

  undo(target) {
    const { board } = this;
    if (target === board.toolbar.find) {
      target.value = "";
      board.cards.filter("");
      target.blur();
      return;
    }
    if (board.root.classList.contains("sided")) {
      board.showBeside(false);
      return;
    }
    const large = board.root.querySelector(".card.large");
    if (large) large.classList.remove("large");
    else board.ask({ op: "zoom", part: null });
  }

  destroy() {
    window.removeEventListener("keydown", this.onKey);
  }
}
