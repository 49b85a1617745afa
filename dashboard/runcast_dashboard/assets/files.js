// The files of a run, and the versions of artifacts that it made and used. A click opens what a browser may show, and
// downloads everything else: the service says which is which.

import { element, search, write } from "./dom.js";
import { bytes, dateTime, whole } from "./format.js";

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
    const rows = [...made.map((one) => [one, "made"]), ...used.map((one) => [one, "used"])].map(([one, how]) => this.version(one, how));
    this.artifacts.replaceChildren(...(rows.length ? [element("h2", "files-head", "Artifacts"), ...rows] : []));
  }

  // A version, and its files when it is opened.
  version(one, how) {
    const name = `${one.name}${one.version ? `:${one.version}` : ""}`;
    const files = element("div", "version-files");
    const row = element("details", "version", element("summary", "", element("b", "", name), element("span", "muted", `${one.type || "artifact"}, ${how}`)), files);
    row.ontoggle = async () => {
      if (!row.open || files.children.length || !one.version) return;
      const { service } = this.panels;
      try {
        const contents = Object.entries((await service.manifest(one)).contents ?? {});
        for (const [path, entry] of contents.slice(0, FILES_OF_VERSION_MAX)) files.append(fileRow(path, service.ofArtifact(one, path), entry.size));
        if (contents.length > FILES_OF_VERSION_MAX) files.append(element("p", "muted", `and ${whole(contents.length - FILES_OF_VERSION_MAX)} more`));
      } catch (error) {
        files.append(element("p", "muted", error.message));
      }
    };
    return row;
  }

  drawFiles(files) {
    const { service } = this.panels;
    const rows = files.map((file) => fileRow(file.name, file.stored ? service.file(file.name, file.digest) : "", file.size, Date.parse(file.time)));
    this.rows = rows;
    this.list.replaceChildren(...(rows.length ? [element("h2", "files-head", "Files"), ...rows] : []));
    const size = files.reduce((sum, file) => sum + file.size, 0);
    this.sum = files.length ? `${whole(files.length)} files, ${bytes(size)}${files.length >= FILES_MAX ? ", the first by name" : ""}` : "";
  }

  filter() {
    const query = this.find.value.trim().toLowerCase();
    for (const row of this.rows ?? []) row.hidden = !!query && !row.firstChild.textContent.toLowerCase().includes(query);
    write(this.words, this.sum ?? "");
  }

  show() {}

  trouble(sentence) {
    if (sentence) write(this.words, sentence);
  }
}

// A file's line; without an address its bytes are on their way.
function fileRow(name, address, size, time) {
  const label = element(address ? "a" : "span", "file-name", name);
  label.title = name;
  if (address) Object.assign(label, { href: address, target: "_blank", rel: "noopener noreferrer" });
  return element("div", "file", label, element("span", "muted", address ? bytes(size) : "on its way"), element("span", "muted", time ? dateTime(time) : ""));
}
