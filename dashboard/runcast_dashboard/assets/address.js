// The address of what a board shows now: the same runs, settings, charts, stretch and moment. And the address bar.
//
// Python reads it, and has the settings shown in the address bar some time after a change: a link that is copied before
// that has to have them too.

const RANGES_CHARS_MAX = 4000; // In an address; beyond it those that were set first are left out.
const RUNS_MAX = 200; // As many as are read from an address.
const EMBEDDED = /^embed(_options)?$/i; // Streamlit's own, which it does not tell Python.
const FLAGS = ["log", "logx", "outliers", "fold", "race"];

// What Python says of where the reader is takes the place of what stood there: a setting is nothing that Back takes back.
export default function show({ data, setTriggerValue }) {
  const url = new URL(location.href);
  if (url.pathname.split("/").at(-1) !== data.page) return; // The reader went on, and Python has not heard of it yet.
  const embedded = [...url.searchParams].filter(([name]) => EMBEDDED.test(name));
  url.search = [new URLSearchParams(embedded), data.query].filter(String).join("&"); // In the order of Streamlit's own.
  if (url.href === location.href) return;
  history.replaceState(history.state, "", url);
  setTriggerValue("shown", data.query);
}

export function address(board) {
  const { clock, hidden, only, range, runs } = board;
  const { choices, query } = board.cards;
  const url = new URL(location.href);
  const put = (name, value) => (value === null ? url.searchParams.delete(name) : url.searchParams.set(name, value));
  for (const [name, text] of Object.entries(settings(board.options))) put(name, text);
  put("t", clock && !clock.live ? String(clock.t) : null); // To the last digit: a point more is another picture.
  put("find", query || null);
  const charts = choices.said();
  put("charts", Object.keys(charts).length ? JSON.stringify(charts) : null);
  put("zoom", range ? range.join(",") : null);
  // Which runs are shown, or which are not: whichever are fewer, unless a link said which. Where both are too many, all are.
  const shown = [...runs.keys()].filter((id) => !hidden.has(id));
  const off = [...runs.keys()].filter((id) => hidden.has(id));
  const some = !board.single && (only || off.length) && shown.length;
  const few = only || shown.length <= off.length;
  put("only", some && few && shown.length <= RUNS_MAX ? shown.join(",") : null);
  put("without", some && !few && off.length <= RUNS_MAX ? off.join(",") : null);
  return url;
}

// By name; null: not in the address.
function settings(options) {
  const { axis, x, by, band } = options;
  return {
    smooth: String(options.smooth),
    kind: options.kind,
    axis,
    x: (axis === "metric" && x) || null,
    by: by || null,
    band: by ? band : null,
    ranges: rangesText(options.ranges),
    ...Object.fromEntries(FLAGS.map((flag) => [flag, options[flag] ? "1" : "0"])),
  };
}

function rangesText(ranges) {
  const left = Object.entries(ranges);
  for (; left.length; left.shift()) {
    const text = JSON.stringify(Object.fromEntries(left));
    if (text.length <= RANGES_CHARS_MAX) return text;
  }
  return null;
}
