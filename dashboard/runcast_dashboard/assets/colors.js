// Colours of runs: by order of creation, so that the first two dozen differ and one keeps its own when another starts.
// All have a middle lightness, and stand out on white and on near-black alike.

const PALETTE = [
  "#4c78ff", "#f2803a", "#22b07d", "#e0529c", "#8f6bf2", "#d9a520", "#24a6c9", "#e5534b",
  "#7a9e2f", "#b07a4f", "#c44ad0", "#6d7fa8", "#0e9f94", "#d4776a", "#5b5be0", "#a8871e",
  "#3f8fd6", "#ef6f8f", "#57a85a", "#9a6b8f", "#c9612a", "#5f8a8b", "#9d7be8", "#8a9a3b",
];

export const runColor = (order) => PALETTE[order % PALETTE.length];

// "#rrggbb", "#rgb" or "rgb(…)" in the order of a little-endian framebuffer.
export function abgr(css) {
  let [r, g, b] = [0, 0, 0];
  if (css[0] === "#") {
    const hex = css.length === 4 ? css.replace(/[0-9a-f]/gi, "$&$&") : css;
    [r, g, b] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  } else {
    [r, g, b] = (css.match(/[\d.]+/g) ?? [0, 0, 0]).map(Number);
  }
  return (0xff000000 | (b << 16) | (g << 8) | r) >>> 0;
}

// A framebuffer colour between two others.
export function mix(from, to, part) {
  const channel = (shift) => {
    const a = (from >> shift) & 255;
    return Math.round(a + (((to >> shift) & 255) - a) * part) << shift;
  };
  return (0xff000000 | channel(16) | channel(8) | channel(0)) >>> 0;
}
