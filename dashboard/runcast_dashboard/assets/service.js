// What a run's page asks of the service about its run, and where the run's files are.

import { Service, Trouble } from "./asking.js";

const path = (text) => text.split("/").map(encodeURIComponent).join("/");

export class RunService extends Service {
  constructor(project, run) {
    super(project);
    this.run = run;
  }

  get root() {
    return `${super.root}/runs/${encodeURIComponent(this.run)}`;
  }

  // What is known of the run itself.
  about() {
    return this.ask(this.root);
  }

  // Where a file of the run is. With its digest the browser keeps it for ever.
  file(name, digest = "") {
    return `${this.root}/files/${path(name)}${digest ? `?v=${encodeURIComponent(digest.slice(0, 16))}` : ""}`;
  }

  // Ask for a file's first byte; raises Trouble with status 404 while it is on its way.
  async here(name, digest) {
    const answer = await this.fetched(this.file(name, digest), { headers: { range: "bytes=0-0" } });
    await answer.body?.cancel();
    if (!answer.ok) throw new Trouble("It cannot be shown; its bytes never arrived.", { status: answer.status });
  }

  // Where a file of an artifact's version is.
  ofArtifact({ project, name, version }, file) {
    return `${this.base}/projects/${encodeURIComponent(project)}/artifacts/${encodeURIComponent(name)}/${version}/files/${path(file)}`;
  }

  manifest({ digest }) {
    return this.ask(`${this.base}/files/${digest}`);
  }

  // What a file of the run says, as JSON.
  async json(name, digest) {
    try {
      return await this.ask(this.file(name, digest));
    } catch (error) {
      if (error.status === 404) error.message = "It has not arrived yet.";
      throw error;
    }
  }
}
