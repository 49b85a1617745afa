// Build elements. Text always becomes a text node: names come from strangers, and none of them is markup.

export function element(tag, classes = "", ...children) {
  const made = document.createElement(tag);
  if (classes) made.className = classes;
  made.append(...children);
  return made;
}

export function button(classes, title, onClick, ...children) {
  const made = element("button", classes, ...children);
  made.type = "button";
  if (title) {
    made.title = title;
    made.setAttribute("aria-label", title);
  }
  made.onclick = onClick;
  return made;
}

const PATHS = {
  play: "M8 5v14l11-7z",
  pause: "M6 5h4v14H6zM14 5h4v14h-4z",
  start: "M6 6h2v12H6zM20 6v12l-10-6z",
  chevron: "M8 10l4 4 4-4z",
  reset: "M12 5V1L7 6l5 5V7a5 5 0 11-5 5H5a7 7 0 107-7z",
  grow: "M4 4h7v2H7.4l4 4-1.4 1.4-4-4V11H4zM20 20h-7v-2h3.6l-4-4 1.4-1.4 4 4V13h2z",
  open: "M14 3h7v7h-2V6.4l-9.3 9.3-1.4-1.4L17.6 5H14zM5 5h5v2H7v10h10v-3h2v5H5z",
  link: "M10.6 13.4a4 4 0 005.7 0l3-3a4 4 0 00-5.7-5.7l-1 1 1.4 1.4 1-1a2 2 0 012.9 2.9l-3 3a2 2 0 01-2.9 0zM13.4 10.6a4 4 0 00-5.7 0l-3 3a4 4 0 005.7 5.7l1-1-1.4-1.4-1 1a2 2 0 01-2.9-2.9l3-3a2 2 0 012.9 0z",
  more: "M5 10a2 2 0 110 4 2 2 0 010-4zm7 0a2 2 0 110 4 2 2 0 010-4zm7 0a2 2 0 110 4 2 2 0 010-4z",
  range: "M11 7.8V16.2H8L12 21l4-4.8h-3V7.8h3L12 3 8 7.8zM5 1h14v2H5zM5 21h14v2H5z",
  cross: "M6.4 5L12 10.6 17.6 5 19 6.4 13.4 12l5.6 5.6-1.4 1.4-5.6-5.6L6.4 19 5 17.6l5.6-5.6L5 6.4z",
  film: "M4 5h12v4.2l5-3v11.6l-5-3V19H4zm2 2v10h8V7z",
  copy: "M8 7V3h13v14h-4v4H4V7zm2 0h7v8h2V5h-9zM6 9v10h9V9z",
};

const drawn = new Map(); // Icons by name, to be copied.

export function icon(name) {
  if (!drawn.has(name)) drawn.set(name, draw(PATHS[name]));
  return drawn.get(name).cloneNode(true);
}

function draw(outline) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("width", "16");
  svg.setAttribute("height", "16");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", outline);
  path.setAttribute("fill", "currentColor");
  svg.append(path);
  return element("span", "icon", svg);
}

// Write text only where it differs: most of what arrives says the same again.
export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// Put something new in the place of all that stands in `root`. Keys stay with the one of a kind, such as `.c-run`, that says
// the same by a datum as the one that had them.
export function replaceHeld(root, kind, datum, ...children) {
  const held = root.querySelector(`${kind}:focus`)?.dataset[datum];
  root.replaceChildren(...children);
  if (held !== undefined) [...root.querySelectorAll(kind)].find(({ dataset }) => dataset[datum] === held)?.focus({ preventScroll: true });
}

// How many items at the beginning fulfil what no item behind one that does not fulfils.
export function leading(items, fulfils) {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (fulfils(items[middle])) low = middle + 1;
    else high = middle;
  }
  return low;
}

// A row of buttons of which one is on.
export function choice(items, current, onChoose) {
  const row = element("div", "choice");
  row.setAttribute("role", "group");
  for (const [value, label, title] of items) {
    const one = button(value === current ? "on" : "", title, () => {
      row.select(value);
      onChoose(value);
    }, label);
    one.dataset.value = value;
    row.append(one);
  }
  row.select = (value) => {
    for (const one of row.children) {
      one.classList.toggle("on", one.dataset.value === value);
      one.setAttribute("aria-pressed", String(one.dataset.value === value));
    }
  };
  row.select(current);
  return row;
}

export function search(placeholder, onInput) {
  const input = element("input", "search");
  input.type = "search";
  input.placeholder = placeholder;
  input.setAttribute("aria-label", placeholder);
  input.spellcheck = false;
  input.oninput = () => onInput(input.value);
  return input;
}
