// One thing that was logged to be looked at, as an element. What strangers wrote is text, a picture, or a page in a world
// of its own: a frame without this page's origin.

import { arrived, loaded } from "./arrival.js";
import { distribution } from "./distribution.js";
import { element } from "./dom.js";
import { masks, boxes } from "./overlay.js";
import { table } from "./tableview.js";

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
  histogram: (value) => distribution(value),
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
  patient(frame, () => loaded(image, value, service));
  if (value.masks) masks(frame, value.masks, service);
  if (value.boxes) boxes(frame, image, value.boxes, service);
  return captioned(frame, value.caption);
}

// Ask for what a frame shows, and say in it that the bytes are on their way, or that they never came.
function patient(frame, ask) {
  const wait = element("p", "muted waiting", "on its way …");
  arrived(ask, () => frame.isConnected, () => frame.append(wait)).then(
    () => wait.remove(),
    (error) => {
      wait.textContent = error.message;
      frame.append(wait);
    },
  );
  return frame;
}

function sound(value, service) {
  const player = element("audio");
  player.controls = true;
  return captioned(played(player, value, service), value.caption);
}

function played(player, value, service) {
  player.preload = "metadata";
  return patient(element("div", "played", player), () => loaded(player, value, service, "loadedmetadata"));
}

function film(value, service) {
  if (value.path.endsWith(".gif")) return picture(value, service);
  const player = element("video");
  Object.assign(player, { controls: true, loop: true, muted: true, playsInline: true });
  return captioned(played(player, value, service), value.caption);
}

function page(value, service) {
  const frame = element("iframe");
  frame.setAttribute("sandbox", "allow-scripts");
  frame.setAttribute("referrerpolicy", "no-referrer");
  frame.loading = "lazy";
  frame.title = String(value.path ?? "page");
  // A frame would show the answer that it is not there as if it were the page.
  return patient(element("div", "played", frame), async () => {
    await service.here(value.path, value.sha256);
    frame.src = service.file(value.path, value.sha256);
  });
}

function download(value, service) {
  const kind = String(value?._type ?? "thing").slice(0, 40);
  if (typeof value?.path !== "string") return element("p", "muted", `${kind}: not drawn here`);
  const link = element("a", "chip", `Download ${value.path.split("/").at(-1)}`);
  link.href = service.file(value.path, value.sha256);
  link.download = "";
  return element("div", "unshown", element("p", "muted", `${kind}: not drawn here`), link);
}
