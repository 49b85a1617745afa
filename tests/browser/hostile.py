"""A training that calls everything by hostile names, and how a page is looked over for what they do to it."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

IMG = "<img src=x onerror=window.hit=1>"
SCRIPT = "<script>window.hit=1</script>"
QUOTES = '"\'` onmouseover="window.hit=1" &lt;b&gt; {{7*7}} ${window.hit=1} javascript:window.hit=1'
TURNED = "\u202eesrever\u2066"  # What follows reads from right to left, unless it is kept apart.
NAME = f"{IMG} {SCRIPT} {QUOTES} \U0001f600{TURNED}"
TEXT = f'{NAME}\n[link](javascript:window.hit=1) ![x](x"onerror=window.hit=1) \x1b]0;taken\x07\x1b[2J\n' + "y" * 4096

# Two of them, so that they can be compared; `sys.argv[1:]` are a name and a text.
TRAINING = """
import os, pathlib, tempfile
import numpy as np
name, text = sys.argv[1:]
os.chdir(tempfile.mkdtemp())
for number in range(2):
    run = runcast.init(project=name, id=f"odd{number}", name=name + str(number), group=name, job_type=name, notes=text,
        tags=[name[:64], "t" * 60], settings={"console": "wrap"},
        config={name: text + str(number), "k" * 4096: "v" * 4096, "deep": {name: {name: [text]}}, "lr": number / 10})
    print(text)
    sys.stderr.write(text + chr(10))
    for step in range(20):
        run.log({name: step, f"{name[:200]}/loss": step * number, "m" * 250: step, "loss": 1 / (step + 1 + number)})
        time.sleep(0.01)
    pixels = np.zeros((8, 8))
    place = {"minX": 0.1, "maxX": 0.5, "minY": 0.1, "maxY": 0.5}
    boxes = {"box_data": [{"position": place, "class_id": 1, "box_caption": text}], "class_labels": {1: text}}
    table = runcast.Table(columns=[name, "n", "t" * 300], data=[[text, 1, "c" * 4096], [name, 2, ""]])
    run.log({
        "pictured": runcast.Image(pixels, caption=text, boxes={name: boxes}),
        name + "media": runcast.Image(pixels, caption=name),
        "rows": table,
        "bars": runcast.plot.bar(table, name, "n", title=text),
        "page": runcast.Html("<p>" + name),
        "spread": runcast.Histogram([1, 2, 3]),
    })
    run.alert(title=name, text=text)
    run.summary[name] = text
    run.summary["said"] = text
    for file in (name.replace("/", "_")[:80], "f" * 200):
        pathlib.Path(file).write_text(name)
        run.save(file)
    made = runcast.Artifact("odd", type="model", description=text, metadata={name: text})
    with made.new_file(name.replace("/", "_")[:80]) as file:
        file.write(name)
    run.log_artifact(made, aliases=["latest"]).wait()
    run.finish()
"""

# What was read as markup, what reaches out of the window, and what turns its neighbours around.
LOOK = """() => {
  const faults = [];
  if (window.hit !== undefined) faults.push("a script of theirs ran");
  if (document.title.includes("taken")) faults.push("the title is taken");
  const wide = document.documentElement.scrollWidth;
  if (wide > innerWidth) faults.push(`the page is ${wide} px wide of ${innerWidth}`);
  const theirs = "img[src=x], [onerror], [onmouseover], a[href^='javascript:' i]";
  const isMarkup = (node) => node.matches(theirs) || (node.tagName === "SCRIPT" && node.text.includes("window.hit"));
  const scrolls = (node) => ["auto", "scroll"].includes(getComputedStyle(node).overflowX);
  const isScrolled = (node) => {
    for (let up = node.parentElement; up && up !== document.body; up = up.parentElement ?? up.getRootNode().host)
      if (scrolls(up)) return true;
    return false;
  };
  const look = (root) => {
    for (const node of root.querySelectorAll("*")) {
      if (node.shadowRoot) look(node.shadowRoot);
      if (isMarkup(node)) faults.push(`became markup: ${node.outerHTML.slice(0, 200)}`);
      const own = [...node.childNodes].filter((one) => one.nodeType === 3).map((one) => one.data).join("");
      if (!/onerror|[cfkmtvy]{40}|\\u202e/.test(own) || ["SCRIPT", "STYLE", "OPTION"].includes(node.tagName)) continue;
      const box = node.getBoundingClientRect();
      if (!box.width || !box.height) continue;
      const what = `${node.tagName}.${node.className} “${own.slice(0, 30)}”`;
      if (box.right > innerWidth + 1 && !isScrolled(node)) faults.push(`reaches out of the window: ${what}`);
      const { display, unicodeBidi } = getComputedStyle(node);
      const isApart = display !== "inline" || /isolate|plaintext/.test(unicodeBidi);
      if (own.includes("\\u202e") && !isApart) faults.push(`turns its neighbours: ${what}`);
      const isTurned = /esrever\\u2066[^\\u2069\\n]* (has|have|are|is|tends|between)\\b/.test(own);
      if (isTurned) faults.push(`turns a sentence: ${what}`);
    }
  };
  look(document);
  return [...new Set(faults)];
}"""


def faults(page: Page) -> list[str]:
    """Look a page over, in the window of a desk and that of a phone."""
    found: list[str] = []
    for width, height in ((390, 844), (1440, 900)):
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(150)  # Layout follows in the next frames.
        seen: Any = page.evaluate(LOOK)
        found += [f"{width} px: {fault}" for fault in seen]
    return found
