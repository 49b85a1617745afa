// The files of a run, and the versions of artifacts that it made and used. A click opens what a browser may show, and
// downloads everything else: the service says which is which.

import { element, search, write } from "./dom.js";
import { bytes, dateTime, whole } from "./format.js";
import { arrange } from "./rows.js";

const PER_READ = 1000;
const FILES_MAX = 5000; // Rows in the page; the rest is for the API.
const AGAIN_MS = 10_000; // A list is read more seldom than a console.
const FILES_OF_VERSION_MAX = 500;

export class Files {
  constructor(panels) {
    this.panels = panels;
    this.find = search("Filter files", () => this.filter());
    this.words = element("span", "note");
    this.artifacts = element("div");
    this.list = element("div");
    this.empty = element("div", "teach", element("h2", "", "No files yet"),
      element("p", "", "What the training saves is kept with the run, each file once however often it is saved."),
      element("pre", "snippet", element("code", "", 'run.save("model.pt")\nrun.log_artifact("model.pt", name="model", type="model")')));
    this.empty.hidden = true;
    this.root = element("div", "panel", element("div", "panel-bar", this.find, this.words), this.artifacts, this.list, this.empty);
    this.readAt = 0;
  }

  async read() {
    if (Date.now() - this.readAt < AGAIN_MS) return;
    const { service } = this.panels;
    const [files, artifacts] = await Promise.all([this.all(), service.get("artifacts")]);
    this.readAt = Date.now();
    const told = JSON.stringify([files, artifacts]);
    if (told === this.told) return; // Nothing moves under the reader's hand.
    this.told = told;
    this.drawArtifacts(artifacts);
    this.drawFiles(files);
    this.empty.hidden = files.length + artifacts.made.length + artifacts.used.length > 0;
    this.find.hidden = files.length < 8;
    this.filter();
  }

  async all() {
    const found = [];
    let page = { next: "" };
    do {
      page = await this.panels.service.get("files", [["limit", PER_READ], ["after", page.next]]);
      found.push(...page.files);
    } while (page.next !== null && found.length < FILES_MAX);
    return found;
  }

  drawArtifacts({ made, used }) {
    const versions = [...made.map((one) => ({ ...one, how: "made" })), ...used.map((one) => ({ ...one, how: "used" }))];
    this.fill(this.artifacts, "Artifacts", versions, (one) => this.version(one));
  }

  // What is told as before is the row that stands, as the reader left it.
  fill(list, title, told, make) {
    const held = new Map([...list.children].map((row) => [row.told, row]));
    const rows = told.map((one) => {
      const key = JSON.stringify(one);
      return held.get(key) ?? Object.assign(make(one), { told: key });
    });
    const head = held.get("") ?? Object.assign(element("h2", "files-head", title), { told: "" });
    arrange(list, rows.length ? [head, ...rows] : []);
    return rows;
  }

  // A version, and its files when it is opened.
  version(one) {
    const name = `${one.name}${one.version ? `:${one.version}` : ""}`;
    const files = element("div", "version-files");
    const row = element("details", "version", element("summary", "", element("b", "", name), element("span", "muted", `${one.type || "artifact"}, ${one.how}`)), files);
    let asked = false;
    row.ontoggle = async () => {
      if (!row.open || asked || !one.version) return;
      asked = true;
      const { service } = this.panels;
      try {
        const contents = Object.entries((await service.manifest(one)).contents ?? {});
        files.replaceChildren(...contents.slice(0, FILES_OF_VERSION_MAX).map(([path, entry]) => fileRow(path, service.ofArtifact(one, path), entry.size)));
        if (contents.length > FILES_OF_VERSION_MAX) files.append(element("p", "muted", `and ${whole(contents.length - FILES_OF_VERSION_MAX)} more`));
      } catch (error) {
        asked = false; // Whoever opens it again asks again.
        files.replaceChildren(element("p", "muted", error.message));
      }
    };
    return row;
  }

  drawFiles(files) {
    const { service } = this.panels;
    this.rows = this.fill(this.list, "Files", files, (file) => fileRow(file.name, file.stored ? service.file(file.name, file.digest) : "", file.size, Date.parse(file.time)));
    const size = files.reduce((sum, file) => sum + file.size, 0);
    this.sum = files.length ? `${whole(files.length)} ${files.length === 1 ? "file" : "files"}, ${bytes(size)}${files.length >= FILES_MAX ? ", the first by name" : ""}` : "";
  }

  filter() {
    const query = this.find.value.trim().toLowerCase();
    for (const row of this.rows ?? []) row.hidden = !!query && !row.firstChild.textContent.toLowerCase().includes(query);
    this.say();
  }

  say() {
    write(this.words, this.wrong || (this.sum ?? ""));
  }

  show() {}

  trouble(sentence) {
    this.wrong = sentence;
    this.say();
  }
}

// A file's line; without an address its bytes are on their way.
function fileRow(name, address, size, time) {
  const label = element(address ? "a" : "span", "file-name", name);
  label.title = name;
  if (address) Object.assign(label, { href: address, target: "_blank", rel: "noopener noreferrer" });
  return element("div", "file", label, element("span", "muted", address ? bytes(size) : "on its way"), element("span", "muted", time ? dateTime(time) : ""));
}
