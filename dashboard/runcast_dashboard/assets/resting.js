// What a component tells Python of what its reader set: when it rests, and only the last of it. Whoever leaves takes along
// what was not told yet.

const REST_MS = 400;

export class Resting {
  // `tell` is called with a name and its value.
  constructor(tell) {
    this.tell = tell;
    this.later = new Map();
  }

  set(name, value) {
    clearTimeout(this.later.get(name)?.timer);
    const act = () => {
      this.later.delete(name);
      this.tell(name, value);
    };
    this.later.set(name, { act, timer: setTimeout(act, REST_MS) });
  }

  flush() {
    for (const { act, timer } of [...this.later.values()]) {
      clearTimeout(timer);
      act();
    }
  }

  destroy() {
    for (const { timer } of this.later.values()) clearTimeout(timer);
  }
}
