// The service's REST API, as the parts of a run's page ask it: what is not a point does not come by the live websocket.

export class Service {
  // The API has the page's own origin: a dashboard that is served apart relays it.
  constructor(project, run) {
    this.origin = location.origin;
    this.projects = `${this.origin}/api/v1/projects`;
    this.run = `${this.projects}/${encodeURIComponent(project)}/runs/${encodeURIComponent(run)}`;
  }

  // Raises Error with a sentence for the reader.
  async get(path, query = {}) {
    const url = new URL(`${this.run}/${path}`);
    for (const [name, value] of Object.entries(query)) for (const one of [].concat(value)) url.searchParams.append(name, one);
    return this.answer(url);
  }

  async post(path, body) {
    const said = body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
    return this.answer(`${this.run}/${path}`, { method: "POST", ...said });
  }

  // What is known of the run itself.
  async about() {
    return this.answer(this.run);
  }

  async answer(url, how) {
    let answer;
    try {
      answer = await fetch(url, how);
    } catch {
      throw new Error("The service does not answer; trying again.");
    }
    const body = await answer.json().catch(() => ({}));
    if (!answer.ok) throw Object.assign(new Error(body.error?.message ?? `The service answered ${answer.status}.`), { status: answer.status, said: body.error ?? {} });
    return body;
  }

  // Where a file of the run is. With its digest the browser keeps it for ever.
  file(name, digest = "") {
    const path = name.split("/").map(encodeURIComponent).join("/");
    return `${this.run}/files/${path}${digest ? `?v=${encodeURIComponent(digest.slice(0, 16))}` : ""}`;
  }

  // Where a file of an artifact's version is.
  ofArtifact({ project, name, version }, path) {
    return `${this.projects}/${encodeURIComponent(project)}/artifacts/${encodeURIComponent(name)}/${version}/files/${path.split("/").map(encodeURIComponent).join("/")}`;
  }

  manifest({ digest }) {
    return this.answer(`${this.origin}/api/v1/files/${digest}`);
  }

  async json(name, digest) {
    const answer = await fetch(this.file(name, digest));
    if (!answer.ok) throw new Error(answer.status === 404 ? "It has not arrived yet." : `The service answered ${answer.status}.`);
    return answer.json();
  }
}
