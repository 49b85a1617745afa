// What the service does not answer, in words beside what is shown. Each question's trouble is said until the same question
// is answered: what one is told must not hide that another one is not.

import { element, write } from "./dom.js";

export const sentence = (error) => (error.status === 401 ? "Your session is over: load the page again to sign in." : error.message);

export class Outage {
  constructor(classes) {
    this.root = element("span", classes);
    this.root.setAttribute("role", "status");
    this.troubles = new Map(); // By what was asked.
  }

  began(question, error) {
    this.troubles.set(question, sentence(error));
    this.show();
  }

  ended(question) {
    this.troubles.delete(question);
    this.show();
  }

  show() {
    write(this.root, [...this.troubles.values()][0] ?? "");
  }
}
