// What stands where no run does: why there is none, and what to do about it.

import { element } from "./dom.js";

export function nothing({ filter, view, data }) {
  if (filter.trim()) return said("No run fits the filter", "Take a part of it away, or look at the examples behind ?");
  if (view === "hidden") return said("Nothing is hidden", "Select runs and hide them: they leave the table and start switched off on Live.");
  if (view === "deleted") return said("Nothing was deleted", "Deleted runs stay here, whole, and can be restored.");
  const code = `import runcast\n\nrun = runcast.init(project=${JSON.stringify(data.project)})\nrun.log({"loss": 0.5})`;
  return [...said("No run yet", "A first run takes three lines:"), element("pre", "t-code", code)];
}

const said = (title, text) => [element("h2", "", title), element("p", "", text)];
