// Where a metric's chart stands: in which section, and where in it. What a training is judged by comes first, what the
// machine did comes last; and before all that, what the reader said.

import { byPart } from "./machine.js";
import { isSystem } from "./names.js";

const collate = new Intl.Collator("en", { numeric: true }).compare;
const LEADING = [/^val(id(ation)?)?\b/i, /^(eval|test)\b/i, /^train(ing)?\b/i];
const TRAILING = /^(_system|sys(tem)?|gpu|cpu|hardware|perf)\b/i;

const rank = (name) => (TRAILING.test(name) ? LEADING.length + 1 : LEADING.findIndex((lead) => lead.test(name)) + 1 || LEADING.length + 0.5);

export const natural = (a, b) => rank(a) - rank(b) || (isSystem(a) && isSystem(b) ? byPart(a, b) : 0) || collate(a, b);

export const sectionOf = (name) => (name.includes("/") ? name.slice(0, name.indexOf("/")) : "Charts");

// Names in their natural order, but those of which the reader said an order in that, before those that came later.
export function ordered(names, said = []) {
  const place = new Map(said.map((name, i) => [name, i]));
  const at = (name) => place.get(name) ?? place.size;
  return [...names].sort((a, b) => at(a) - at(b) || natural(a, b));
}
