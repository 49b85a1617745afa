// The service's REST API as pages in the browser ask it: on their own origin, answers as values, troubles as sentences.

export class Trouble extends Error {
  // `said` is what the service said of it, beside the sentence: where in a text it is, or what it found instead.
  constructor(message, { code = "", status = 0, at = null, length = 1, said = {} } = {}) {
    super(message);
    Object.assign(this, { code, status, at, length, said });
  }
}

// The API has the page's own origin: a dashboard that is served apart relays it.
const API = "/api/v1";

export class Service {
  constructor(project = "") {
    this.base = API;
    this.project = project;
  }

  get root() {
    return `${this.base}/projects/${encodeURIComponent(this.project)}`;
  }

  // How the service is, and what is wrong in words; with so many of the entries that it could not store.
  health(limit = 1) {
    return this.ask(`${this.base}/health?limit=${limit}`);
  }

  // `params` are pairs: a name may stand there often. What is null or empty is left out.
  get(path, params = [], signal = undefined) {
    const query = new URLSearchParams(params.filter(([, value]) => value !== null && value !== undefined && value !== ""));
    return this.ask(`${this.root}/${path}?${query}`, { signal });
  }

  post(path, body) {
    const said = body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
    return this.ask(`${this.root}/${path}`, { method: "POST", ...said });
  }

  remove(path) {
    return this.ask(`${this.root}/${path}`, { method: "DELETE" });
  }

  async fetched(url, options) {
    try {
      return await fetch(url, { credentials: "same-origin", ...options });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Trouble("The service does not answer. Trainings go on, and nothing is lost; trying again.", { code: "away" });
    }
  }

  async ask(url, options) {
    const answer = await this.fetched(url, options);
    let body = null;
    try {
      body = await answer.json();
    } catch (error) {
      if (error.name === "AbortError") throw error;
    }
    if (answer.ok && body) return body;
    const { code, message, at, length } = body?.error ?? {};
    throw new Trouble(message ?? `The service answered ${answer.status}.`, { code, status: answer.status, at: at ?? null, length, said: body?.error });
  }
}

// JSON has no NaN: floats that it cannot say come as words.
const WORDS = { NaN, Infinity, "-Infinity": -Infinity };
export const asNumber = (value) => (typeof value === "number" ? value : typeof value === "string" && Object.hasOwn(WORDS, value) ? WORDS[value] : null);
