// What the samples of a machine are: which part of it, in words, and in which unit. And what stands where there are none.

import { element } from "./dom.js";

// By the name below `_system/`, as docs/surroundings.md lists them: the part, what it says, the unit.
const KNOWN = {
  cpu: ["CPU", "busy", "%"],
  "proc.cpu": ["CPU", "busy with the training", "% of a core"],
  "proc.cpu.threads": ["CPU", "threads of the training", ""],
  memory_percent: ["Memory", "in use", "%"],
  "proc.memory.rssMB": ["Memory", "of the training", "MB"],
  "proc.memory.percent": ["Memory", "of the training", "%"],
  "proc.memory.availableMB": ["Memory", "left", "MB"],
  disk: ["Disk", "in use", "%"],
  "disk.usedGB": ["Disk", "in use", "GB"],
  "disk.in": ["Disk", "read since the start", "MB"],
  "disk.out": ["Disk", "written since the start", "MB"],
  "network.sent": ["Network", "sent since the start", "bytes"],
  "network.recv": ["Network", "received since the start", "bytes"],
};
const OF_GPU = {
  gpu: ["busy", "%"],
  memory: ["memory busy", "%"],
  memoryAllocated: ["memory in use", "%"],
  memoryAllocatedBytes: ["memory in use", "bytes"],
  temp: ["temperature", "°C"],
  powerWatts: ["power", "W"],
  powerPercent: ["power, of its limit", "%"],
};
const GPU = /^gpu\.(\d+)\.(\w+)$/;
const ORDER = ["CPU", "Memory", "Disk", "Network"]; // Behind the GPUs, by number.

export function sample(name) {
  const below = name.slice(name.indexOf("/") + 1);
  const [, number, what] = GPU.exec(below) ?? [];
  const known = number === undefined ? Object.hasOwn(KNOWN, below) && KNOWN[below] : Object.hasOwn(OF_GPU, what) && [`GPU ${number}`, ...OF_GPU[what]];
  const [part, words, unit] = known || ["Other", below, ""];
  return { part, words, unit };
}

// Parts of a machine in the order in which they are looked at, and within a part as the tables above have them.
const place = (name) => {
  const { part, words } = sample(name);
  if (part.startsWith("GPU")) return [0, Number(part.slice(4)), Object.values(OF_GPU).findIndex(([said]) => said === words)];
  return [1, ORDER.indexOf(part) >= 0 ? ORDER.indexOf(part) : ORDER.length, Object.values(KNOWN).findIndex(([of, said]) => of === part && said === words)];
};

export function byPart(a, b) {
  const [x, y] = [place(a), place(b)];
  return x[0] - y[0] || x[1] - y[1] || x[2] - y[2];
}

export class Machine {
  constructor(panels) {
    this.panels = panels;
    this.root = element("div", "panel", element("div", "teach", element("h2", "", "No samples of the machine yet"),
      element("p", "", "The first comes a second after runcast.init(), then one every five seconds: GPU, CPU, memory, disk and network. NVIDIA's GPUs need a small package beside Runcast:"),
      element("pre", "snippet", element("code", "", "pip install 'runcast[gpu]'")),
      element("p", "", "An imported run has none, and RUNCAST_SYSTEM=0 switches them off.")));
  }

  // The first samples came: their charts take the place of these words.
  read() {
    const { cards, root } = this.panels.board;
    if (cards.hasSystem && root?.classList.contains("paneled")) this.panels.open("system");
  }

  show() {}

  trouble() {}
}
