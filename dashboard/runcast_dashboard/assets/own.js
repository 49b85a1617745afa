// Which of a project's metrics one run has: the live websocket names those of the project, and a chart that can only stay
// empty is none.

const LOOK_AGAIN_MS = 2000; // While the run goes on.
const LOOK_SOON_MS = 150; // A project's new metric is most likely this run's.

export class Own {
  constructor(board) {
    this.board = board;
    this.known = new Set(); // By the websocket.
    this.has = new Set((board.data.run.keys ?? []).map(({ key }) => key));
    this.running = true;
  }

  add(names, runs) {
    for (const name of names) this.known.add(name);
    for (const run of runs) {
      if (run.id !== this.board.data.run.id) continue;
      this.running = run.state === "running";
      for (const key of Object.keys(run.summary ?? {})) this.has.add(key);
    }
    this.show();
    this.look(names.length ? LOOK_SOON_MS : LOOK_AGAIN_MS);
  }

  show() {
    const names = [...this.has].filter((name) => this.known.has(name));
    if (names.length > this.shown || this.shown === undefined) this.board.cards.add(names);
    this.shown = names.length;
    this.board.teach();
  }

  look(wait) {
    const due = Date.now() + wait;
    if (due >= this.due) return;
    this.due = due;
    clearTimeout(this.timer);
    this.timer = setTimeout(async () => {
      this.due = undefined;
      if (!document.hidden) {
        try {
          for (const { key } of (await this.board.panels.service.about()).keys) this.has.add(key);
          this.show();
        } catch {
          // The board itself says that the service is away.
        }
      }
      if (!this.gone && this.running) this.look(LOOK_AGAIN_MS);
    }, wait);
  }

  destroy() {
    this.gone = true;
    clearTimeout(this.timer);
  }
}
