// Boxes and masks over a picture: colours by class, names by the labels that were logged with them.

import { arrived, loaded } from "./arrival.js";
import { element } from "./dom.js";
import { runColor } from "./colors.js";

const MASK_OPACITY = 0.5;
const BOXES_MAX = 500; // Of one set; more is a blot.
const FETCHED = ["path", "sha256"];

export async function boxes(frame, image, sets, service) {
  const layer = element("div", "boxes");
  frame.append(layer);
  for (const told of Object.values(sets)) {
    if (!told || FETCHED.some((name) => told[name] !== undefined && typeof told[name] !== "string")) continue;
    const set = await arrived(() => service.json(told.path, told.sha256), () => frame.isConnected).catch(() => null);
    const shown = (Array.isArray(set?.box_data) ? set.box_data : []).slice(0, BOXES_MAX).filter((box) => box?.position);
    // Pixels are parts of a picture that has come, which may be when the reader scrolls to it.
    if (shown.some(inPixels) && !image.naturalWidth) await new Promise((done) => image.addEventListener("load", done, { once: true }));
    for (const box of shown) layer.append(drawn(box, set.class_labels ?? {}, image));
  }
}

const inPixels = ({ domain }) => domain === "pixel";

function drawn(box, labels, image) {
  const { position, class_id: number = 0 } = box;
  // In pixels, or as parts of the picture's sides.
  const [across, down] = inPixels(box) ? [image.naturalWidth || 1, image.naturalHeight || 1] : [1, 1];
  const middle = position.middle;
  const [left, top, width, height] = middle
    ? [middle[0] - position.width / 2, middle[1] - position.height / 2, position.width, position.height]
    : [position.minX, position.minY, position.maxX - position.minX, position.maxY - position.minY];
  const one = element("div", "box");
  const place = { left: left / across, top: top / down, width: width / across, height: height / down };
  for (const [side, part] of Object.entries(place)) one.style[side] = `${100 * Number(part)}%`;
  one.style.setProperty("--run", runColor(Math.abs(Number(number)) || 0));
  const label = box.box_caption ?? labels[number];
  if (label) one.append(element("span", "", String(label)));
  return one;
}

export function masks(frame, sets, service) {
  for (const told of Object.values(sets)) {
    if (typeof told?.path !== "string") continue;
    const source = new Image();
    arrived(() => loaded(source, told, service), () => frame.isConnected).then(() => {
      const canvas = element("canvas", "mask");
      canvas.width = source.naturalWidth;
      canvas.height = source.naturalHeight;
      canvas.style.opacity = String(MASK_OPACITY);
      canvas.title = Object.values(told.class_labels ?? {}).map(String).join(", ");
      const context = canvas.getContext("2d");
      context.drawImage(source, 0, 0);
      const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
      for (let k = 0; k < pixels.data.length; k += 4) {
        const number = pixels.data[k]; // Its shade is its class; 0 mostly means nothing.
        const [red, green, blue] = channels(runColor(number));
        pixels.data.set([red, green, blue, number ? 255 : 0], k);
      }
      context.putImageData(pixels, 0, 0);
      frame.append(canvas);
    }, () => {}); // The picture says more without it than with an excuse.
  }
}

const known = new Map();

function channels(color) {
  let found = known.get(color);
  if (!found) {
    found = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
    known.set(color, found);
  }
  return found;
}
