// What a name says, and how it stands in a sentence.

const SYSTEM = "_system/"; // As in runcast/names.py.

export const isSystem = (name) => !!name?.startsWith(SYSTEM);

const TURNS = /[\u0590-\u08ff\u200f\u202a-\u202e\u2066-\u2069\ufb1d-\ufefc]/; // What is written from right to left, or says so.
const ISOLATES = "\u2066\u2067\u2068";
const CLOSES = "\u2069";

// A name within a sentence: whichever way it is written, what follows is written as before.
export function apart(name) {
  if (!TURNS.test(name)) return name;
  let text = "";
  let open = 0;
  for (const char of name) {
    if (ISOLATES.includes(char)) open++;
    else if (char === CLOSES && --open < 0) {
      open = 0; // It would close ours.
      continue;
    }
    text += char;
  }
  return `\u2068${text}${CLOSES.repeat(open + 1)}`;
}

export const clipped = (name, chars) => (name.length > chars ? `${[...name].slice(0, chars - 1).join("")}…` : name);

// As much of a text's end as there is room for on a canvas: names begin alike.
export function shorten(context, text, width) {
  if (context.measureText(text).width <= width) return text;
  let from = Math.max(0, text.length - 80);
  while (from < text.length - 1 && context.measureText(`…${text.slice(from)}`).width > width) from++;
  return `…${text.slice(from)}`;
}
