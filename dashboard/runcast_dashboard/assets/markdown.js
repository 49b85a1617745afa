// Markdown as elements: headings, lists, tables, code, emphasis and links. Text becomes text nodes, and nothing that
// stands in it is markup; a link leads to the web or to a mailbox, and a picture is a link to it: nothing is loaded.

import { element } from "./dom.js";

const CHARS_MAX = 100_000; // Shown; the rest is for the editor.
const DEPTH_MAX = 8; // Of lists and quotes in each other.
const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([\w+-]*)/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*)$/;
const RULE = /^ {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*$/;
const ITEM = /^( *)([-*+]|\d{1,9}[.)])\s+(.*)$/;
const TASK = /^\[([ xX])\]\s+/;
const QUOTE = /^ {0,3}> ?/;
const DASHES = /^\s*:?-+:?\s*$/;
// Code, a picture or a link, an address as it stands, emphasis, a sign that means nothing. None of them looks far back.
const INLINE = /(?<!`)(`{1,20})(?!`)([^`]+)\1|!?\[([^[\]\n]{0,1000})\]\(([^()\s]{1,2000})\)|(https?:\/\/[^\s<>"'`()[\]]{1,2000})|(\*\*|__|~~|\*|_)|\\([\\`*_{}[\]()#+\-.!~>|])/g;
const TAGS = { "**": "strong", __: "strong", "*": "em", _: "em", "~~": "s" };

export function markdown(text) {
  const root = element("div", "markdown");
  const cut = text.length > CHARS_MAX;
  root.append(...blocks(text.slice(0, CHARS_MAX).replaceAll("\t", "    ").split(/\r?\n/), 0));
  if (cut) root.append(element("p", "muted", "It goes on; edit it to see all of it."));
  return root;
}

function blocks(lines, depth) {
  const made = [];
  let words = [];
  const flush = () => {
    if (words.length) made.push(element("p", "", ...broken(words)));
    words = [];
  };
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at];
    let found;
    if ((found = FENCE.exec(line))) {
      flush();
      const [, fence] = found;
      const code = [];
      while (++at < lines.length && !lines[at].trimStart().startsWith(fence)) code.push(lines[at]);
      made.push(element("pre", "", element("code", "", code.join("\n"))));
    } else if (!line.trim()) flush();
    else if ((found = HEADING.exec(line))) {
      flush();
      // The page has headings of its own above these.
      made.push(element(`h${Math.min(6, found[1].length + 2)}`, `h${found[1].length}`, ...inline(found[2].replace(/ +#+ *$/, ""))));
    } else if (RULE.test(line)) {
      flush();
      made.push(element("hr"));
    } else if (QUOTE.test(line) && depth < DEPTH_MAX) {
      flush();
      const inner = [];
      while (at < lines.length && QUOTE.test(lines[at])) inner.push(lines[at++].replace(QUOTE, ""));
      at--;
      made.push(element("blockquote", "", ...blocks(inner, depth + 1)));
    } else if (ITEM.test(line) && depth < DEPTH_MAX) {
      flush();
      const { list, next } = listed(lines, at, depth);
      made.push(list);
      at = next - 1;
    } else if (line.includes("|") && isDashes(lines[at + 1])) {
      flush();
      const head = cells(line);
      const rows = [];
      at += 2;
      while (at < lines.length && lines[at].includes("|")) rows.push(cells(lines[at++]));
      at--;
      const row = (tag, texts) => element("tr", "", ...head.map((_, k) => element(tag, "", ...inline(texts[k] ?? ""))));
      made.push(element("div", "wide", element("table", "", element("thead", "", row("th", head)), element("tbody", "", ...rows.map((each) => row("td", each))))));
    } else words.push(line);
  }
  flush();
  return made;
}

// A list, and the number of the line behind it. What is written further in belongs to the item above.
function listed(lines, first, depth) {
  const [, margin, sign] = ITEM.exec(lines[first]);
  const ordered = /\d/.test(sign);
  const list = element(ordered ? "ol" : "ul");
  if (ordered) list.start = parseInt(sign, 10);
  let at = first;
  while (at < lines.length) {
    const found = ITEM.exec(lines[at]);
    if (!found || found[1].length !== margin.length || /\d/.test(found[2]) !== ordered) break;
    const inner = [found[3]];
    at++;
    while (at < lines.length) {
      const line = lines[at];
      const further = line.search(/\S/) > margin.length;
      if (!further && !(line.trim() === "" && (lines[at + 1] ?? "").search(/\S/) > margin.length)) break;
      inner.push(line.slice(Math.min(margin.length + 2, Math.max(0, line.search(/\S/)))));
      at++;
    }
    const task = TASK.exec(inner[0]);
    if (task) inner[0] = inner[0].slice(task[0].length);
    const parts = blocks(inner, depth + 1);
    // A short item is its words, without the air of a paragraph.
    if (parts[0]?.tagName === "P") parts.splice(0, 1, ...parts[0].childNodes);
    list.append(element("li", task ? "task" : "", ...(task ? [task[1] === " " ? "☐ " : "☑ "] : []), ...parts));
    if (lines[at] === "" && ITEM.test(lines[at + 1] ?? "")) at++;
  }
  return { list, next: at };
}

const cells = (line) => line.trim().replace(/^\|/, "").replace(/\|$/, "").split("|").map((text) => text.trim());
const isDashes = (line) => line !== undefined && line.includes("-") && line.includes("|") && cells(line).every((text) => DASHES.test(text));

// Lines of a paragraph, each where it was written.
const broken = (lines) => lines.flatMap((line, at) => (at ? [element("br"), ...inline(line.trim())] : inline(line.trim())));

function inline(text) {
  const found = [...text.matchAll(INLINE)];
  const last = new Map(found.filter((match) => match[6]).map((match) => [match[6], match.index]));
  const root = document.createDocumentFragment();
  const open = [{ node: root, sign: "" }];
  const put = (...nodes) => open.at(-1).node.append(...nodes);
  let at = 0;
  for (const match of found) {
    put(text.slice(at, match.index));
    at = match.index + match[0].length;
    const [whole, , code, label, target, address, sign, plain] = match;
    if (code !== undefined) put(element("code", "", code.trim() || code));
    else if (label !== undefined) put(link(target, label || target, whole));
    else if (address) {
      const tail = /[.,;:!?]+$/.exec(address)?.[0] ?? "";
      put(link(address.slice(0, address.length - tail.length), "", address), tail);
    } else if (sign) emphasise(sign, match.index, at);
    else put(plain);
  }
  put(text.slice(at));
  return [...root.childNodes];

  // `snake_case` and `2 * 3 * 4` are no emphasis.
  function emphasise(sign, from, to) {
    const before = text[from - 1] ?? " ";
    const after = text[to] ?? " ";
    const within = sign[0] === "_";
    const depth = open.findLastIndex((each) => each.sign === sign);
    if (depth > 0 && !/\s/.test(before) && !(within && /\w/.test(after))) open.length = depth;
    else if (depth < 0 && last.get(sign) > from && !/\s/.test(after) && !(within && /\w/.test(before))) {
      const node = element(TAGS[sign]);
      put(node);
      open.push({ node, sign });
    } else put(sign);
  }
}

// Where it leads may be nothing but the web and a mailbox; else it stays the text that it was.
function link(target, label, whole) {
  let url;
  try {
    url = new URL(target);
  } catch {
    return whole;
  }
  if (!["http:", "https:", "mailto:"].includes(url.protocol)) return whole;
  const made = element("a", "", label || target);
  Object.assign(made, { href: url.href, target: "_blank", rel: "noopener noreferrer nofollow", title: url.href });
  return made;
}
