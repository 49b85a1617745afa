// A part of the page as a component of Streamlit's: one living thing for each place in the page.
//
// Streamlit calls a module's default export at mount and again whenever `data` or the theme changes, with the same
// parentElement; what it returns is called only at unmount. So: find what lives there and update it.

const DARK_MAX = 380; // Red, green and blue together, each up to 255: a page below it is dark.

// `Page` is built of a component, takes new ones by `update`, and ends by `destroy`.
export function mounted(Page) {
  const pages = new WeakMap();
  return (component) => {
    const root = component.parentElement;
    const page = pages.get(root);
    if (page) page.update(component);
    else pages.set(root, new Page(component));
    return () => {
      pages.get(root)?.destroy();
      pages.delete(root);
    };
  };
}

// Streamlit's theme comes as variables; which of ours go with it, a class says.
export function themed(root) {
  const page = getComputedStyle(root).getPropertyValue("--st-background-color").trim() || "#ffffff";
  const [red, green, blue] = page[0] === "#" ? [1, 3, 5].map((at) => parseInt(page.slice(at, at + 2), 16)) : page.match(/\d+/g).map(Number);
  root.classList.toggle("dark", red + green + blue < DARK_MAX);
}
