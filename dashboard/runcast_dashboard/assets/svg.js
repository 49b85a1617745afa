// A chart as it is drawn now, as SVG: lines that stay sharp, and words that stay words.

import { metricOf } from "./axis.js";
import { PAD } from "./chart.js";
import { xTicks, yTicks } from "./ticks.js";

const NAMED_MAX = 40; // Runs in the legend.
const TITLE = 30;
const LINE = 16;
const CHARS_MAX = 60; // Of a name.

// Text from strangers is never markup; what XML 1.0 cannot say at all is left out.
// eslint-disable-next-line no-control-regex
const escaped = (text) => String(text).replace(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, "").replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
const short = (text) => ([...text].length > CHARS_MAX ? `${[...text].slice(0, CHARS_MAX - 1).join("")}…` : text);

function path(curve, values, place) {
  let said = "";
  let pen = "M";
  for (let i = curve.from; i < curve.to; i++) {
    const [x, y] = place(curve, curve.xs[i], values[i]);
    if (!Number.isFinite(x) || !Number.isFinite(y)) pen = "M";
    else {
      said += `${pen}${x.toFixed(2)} ${y.toFixed(2)}`;
      pen = "L";
    }
  }
  return said;
}

// What lies between a band's ends, in as many pieces as it has. A low that has no place on a logarithmic axis is at `bottom`.
function area({ xs, n, band, ...curve }, place, log, bottom) {
  let said = "";
  let up = "";
  let down = "";
  const end = () => {
    if (up) said += `M${up.slice(1)}${down}Z`;
    up = down = "";
  };
  for (let i = 0; i < n; i++) {
    const [x, high] = place(curve, xs[i], band.high[i]);
    const low = log && band.low[i] <= 0 ? bottom : place(curve, xs[i], band.low[i])[1];
    if (!Number.isFinite(x + high + low)) end();
    else {
      up += `L${x.toFixed(2)} ${high.toFixed(2)}`;
      down = `L${x.toFixed(2)} ${low.toFixed(2)}${down}`;
    }
  }
  end();
  return said;
}

export function picture(chart, name, { axis, logx, log, smooth }, theme) {
  const { width, height, drawn, xShown, yShown, gap } = chart;
  const [left, right] = xShown;
  const [low, high] = yShown;
  const plot = { width: width - PAD.left - PAD.right, height: height - PAD.top - PAD.bottom };
  const px = (x) => PAD.left + ((x - left) / (right - left)) * plot.width;
  const py = (y) => TITLE + PAD.top + ((high - y) / (high - low)) * plot.height;
  const place = (curve, x, y) => [px(x - curve.offset), py(log ? Math.log10(y) : y)];
  const named = drawn.slice(0, NAMED_MAX);
  const rest = drawn.length - named.length;
  const bottom = TITLE + height;
  const whole = bottom + LINE * (named.length + (rest ? 1 : 0)) + 12;
  const words = [`<text x="12" y="20" font-size="13" font-weight="600">${escaped(short(name))}</text>`];
  const lines = [];
  for (const { at, text } of yTicks({ low, high, gap, log })) {
    lines.push(`<path d="M${PAD.left} ${py(at).toFixed(2)}h${plot.width}" stroke="${theme.grid}"/>`);
    words.push(`<text x="${PAD.left - 8}" y="${(py(at) + 4).toFixed(2)}" text-anchor="end">${escaped(text)}</text>`);
  }
  for (const { at, text } of xTicks(axis, xShown, plot.width, logx)) words.push(`<text x="${px(at).toFixed(2)}" y="${bottom - 6}" text-anchor="middle">${escaped(text)}</text>`);
  if (metricOf(axis) !== null) words.push(`<text x="${width - PAD.right}" y="${bottom + 6}" text-anchor="end">${escaped(short(metricOf(axis)))}</text>`);
  for (const curve of drawn) {
    if (curve.band) lines.push(`<path d="${area(curve, place, log, py(low))}" fill="${curve.color}" fill-opacity=".2"/>`);
    if (smooth > 0) lines.push(`<path d="${path(curve, curve.series.y, place)}" stroke="${curve.color}" stroke-opacity=".22"/>`);
  }
  for (const curve of drawn) lines.push(`<path d="${path(curve, curve.ys, place)}" stroke="${curve.color}" stroke-width="1.5" stroke-linejoin="round"/>`);
  named.forEach(({ run, series, color }, at) => {
    const y = bottom + LINE * (at + 1);
    const label = series.label ? `${run.title ?? run.name} · ${series.label}` : run.title ?? run.name;
    words.push(`<rect x="${PAD.left}" y="${y - 9}" width="10" height="10" rx="3" fill="${color}"/><text x="${PAD.left + 16}" y="${y}">${escaped(short(label))}</text>`);
  });
  if (rest) words.push(`<text x="${PAD.left + 16}" y="${bottom + LINE * (named.length + 1)}">and ${rest} more</text>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${whole}" viewBox="0 0 ${width} ${whole}" font-family="system-ui, sans-serif" font-size="11" fill="${theme.muted}">
<rect width="100%" height="100%" fill="${theme.card}"/>
<clipPath id="plot"><rect x="${PAD.left}" y="${TITLE + PAD.top}" width="${plot.width}" height="${plot.height}"/></clipPath>
<g clip-path="url(#plot)" fill="none">
${lines.join("\n")}
</g>
${words.join("\n")}
</svg>
`;
}
