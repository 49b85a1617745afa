// What the reader chose for single charts: pinned and hidden ones, the order in each section, and sizes. This browser
// remembers it, for each project; links and saved views say it to others.

const REMEMBERED_MAX = 500; // Names of one kind, of one project.
export const WIDE_MAX = 3; // Columns; so many are the whole width, however many there are.
export const HIGH_MAX = 2;

const isText = (value) => typeof value === "string";
const isSize = (value) => Array.isArray(value) && value.length === 2 && value.every(Number.isInteger) && value[0] >= 1 && value[0] <= WIDE_MAX && value[1] >= 1 && value[1] <= HIGH_MAX;
const entries = (given) => (given && typeof given === "object" && !Array.isArray(given) ? Object.entries(given) : []);

export class Choices {
  // `linked` are those of a link that was opened: they hold for this visit.
  constructor(project, linked) {
    this.key = `runcast charts ${project}`;
    this.linked = linked !== undefined;
    let kept = linked ?? {};
    try {
      kept = linked ?? JSON.parse(localStorage.getItem(this.key) ?? "{}") ?? {};
    } catch {
      // A browser that keeps nothing, or somebody's own words in our place.
    }
    this.pinned = new Set([].concat(kept.pinned ?? []).filter(isText));
    this.hidden = new Set([].concat(kept.hidden ?? []).filter(isText));
    this.order = new Map(entries(kept.order).filter(([, names]) => Array.isArray(names) && names.every(isText)));
    this.sizes = new Map(entries(kept.sizes).filter(([, size]) => isSize(size)));
  }

  toggle(what, name) {
    if (!this[what].delete(name)) this[what].add(name);
    this.keep();
  }

  showAll() {
    this.hidden.clear();
    this.keep();
  }

  // The order of a section's charts; null is the natural one.
  reorder(section, names) {
    if (names) this.order.set(section, names);
    else this.order.delete(section);
    this.keep();
  }

  sizeOf(name) {
    return this.sizes.get(name) ?? [1, 1];
  }

  resize(name, [wide, high]) {
    if (wide > 1 || high > 1) this.sizes.set(name, [wide, high]);
    else this.sizes.delete(name);
    this.keep();
  }

  // As links and the browser's memory have it; what was not chosen is left out.
  said() {
    const last = (all) => [...all].slice(-REMEMBERED_MAX);
    const found = { pinned: last(this.pinned), hidden: last(this.hidden), order: Object.fromEntries(last(this.order)), sizes: Object.fromEntries(last(this.sizes)) };
    return Object.fromEntries(Object.entries(found).filter(([, chosen]) => Object.keys(chosen).length));
  }

  keep() {
    if (this.linked) return;
    try {
      localStorage.setItem(this.key, JSON.stringify(this.said()));
    } catch {
      // It holds for this visit.
    }
  }
}
