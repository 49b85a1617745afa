// One thing that was logged to be looked at, as an element. What strangers wrote is text, a picture, or a page in a world
// of its own: a frame without this page's origin.

import { element } from "./dom.js";
import { masks, boxes } from "./overlay.js";
import { table } from "./tableview.js";

const RETRY_MS = 2000; // Its bytes travel beside the row, and may come later.
const SHOWN_MAX = 64; // Of one list; the rest is named.

const MAKERS = {
  "image-file": (value, service) => picture(value, service),
  "images/separated": (value, service) => several(value.filenames ?? [], (name, at) => picture({ path: name, caption: value.captions?.[at], boxes: value.all_boxes?.[at], masks: value.all_masks?.[at] }, service)),
  "audio-file": (value, service) => sound(value, service),
  audio: (value, service) => several(value.audio ?? [], (one) => sound(one, service)),
  "video-file": (value, service) => film(value, service),
  videos: (value, service) => several(value.videos ?? [], (one) => film(one, service)),
  "html-file": (value, service) => page(value, service),
  html: (value, service) => several(value.html ?? [], (one) => page(one, service)),
  "table-file": (value, service, chart) => table([value], service, exhibit, chart),
  "incremental-table-file": (value, service) => table([...(value.previous_increments_paths ?? []).map((path) => ({ path })), value], service, exhibit, null),
};

// `chart`, if there is one, says how a table is drawn.
export function exhibit(value, service, chart = null) {
  const make = Object.hasOwn(MAKERS, value?._type) ? MAKERS[value._type] : download;
  try {
    return make(value, service, chart);
  } catch {
    return element("p", "muted", "This cannot be shown: its row is not as it should be.");
  }
}

function several(items, show) {
  const all = element("div", "several");
  items.slice(0, SHOWN_MAX).forEach((item, at) => all.append(show(item, at)));
  if (items.length > SHOWN_MAX) all.append(element("p", "muted", `and ${items.length - SHOWN_MAX} more, in the run's files`));
  return all;
}

function captioned(shown, caption) {
  if (!caption) return shown;
  return element("figure", "", shown, element("figcaption", "", String(caption)));
}

function picture(value, service) {
  const image = element("img");
  image.alt = String(value.caption ?? value.path ?? "");
  image.loading = "lazy";
  image.decoding = "async";
  const frame = element("div", "picture", image);
  patient(image, service.file(value.path, value.sha256), frame);
  if (value.masks) masks(frame, value.masks, service);
  if (value.boxes) boxes(frame, image, value.boxes, service);
  return captioned(frame, value.caption);
}

// Load something, and again while its bytes are on their way.
function patient(shown, address, frame) {
  const wait = element("p", "muted waiting", "on its way …");
  let tries = 0;
  shown.onerror = () => {
    frame.append(wait);
    if (tries++ < 30) setTimeout(() => shown.isConnected && (shown.src = `${address}${address.includes("?") ? "&" : "?"}try=${tries}`), RETRY_MS);
    else wait.textContent = "It cannot be shown; its bytes never arrived, or are no picture.";
  };
  shown.onload = () => wait.remove();
  shown.src = address;
}

function sound(value, service) {
  const player = element("audio");
  player.controls = true;
  player.preload = "metadata";
  player.src = service.file(value.path, value.sha256);
  return captioned(player, value.caption);
}

function film(value, service) {
  if (value.path.endsWith(".gif")) return picture(value, service);
  const player = element("video");
  Object.assign(player, { controls: true, loop: true, muted: true, playsInline: true, preload: "metadata" });
  player.src = service.file(value.path, value.sha256);
  return captioned(player, value.caption);
}

function page(value, service) {
  const frame = element("iframe");
  frame.setAttribute("sandbox", "allow-scripts");
  frame.setAttribute("referrerpolicy", "no-referrer");
  frame.loading = "lazy";
  frame.title = String(value.path ?? "page");
  frame.src = service.file(value.path, value.sha256);
  return frame;
}

function download(value, service) {
  const kind = String(value?._type ?? "thing").slice(0, 40);
  if (typeof value?.path !== "string") return element("p", "muted", `${kind}: not drawn here`);
  const link = element("a", "chip", `Download ${value.path.split("/").at(-1)}`);
  link.href = service.file(value.path, value.sha256);
  link.download = "";
  return element("div", "unshown", element("p", "muted", `${kind}: not drawn here`), link);
}
