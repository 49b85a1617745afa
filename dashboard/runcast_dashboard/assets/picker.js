// Lists of which one is chosen. What they offer may change at any time.

import { element } from "./dom.js";

export function picker(classes, label, onChoose, choices = [], chosen = "") {
  const made = element("select", classes);
  made.setAttribute("aria-label", label);
  made.onchange = () => onChoose(made.value);
  offer(made, choices, chosen);
  return made;
}

// What there is to choose from, each its value, what stands there for it, and more words. Filled again only if something
// differs: a list that is open would shut.
export function offer(list, choices, chosen = list.value) {
  const said = JSON.stringify(choices);
  if (list.offered !== said) {
    list.offered = said;
    list.replaceChildren(...choices.map(([value, text = value, title = ""]) => Object.assign(element("option", "", text), { value, title })));
  }
  list.value = chosen;
}

// The project that is shown, and those that could be.
export function offerProjects(list, { project, projects }) {
  offer(list, (projects.includes(project) ? projects : [project, ...projects]).map((name) => [name]), project);
}
