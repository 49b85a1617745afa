// The websocket to the service: opens it, opens it again when it is gone, and measures how far the two clocks are
// apart. What is said over it is not its business: it asks for the subscription at each opening, and hands on the rest.

const RETRY_MS_MIN = 250;
const RETRY_MS_MAX = 8000; // A service that restarts is found again within seconds.
const PING_MS = 3000;
const SILENCE_MS_MAX = 8000; // A cut cable closes nothing: without an answer for this long, open a new socket.
const REFUSED_RETRY_MS = 30000; // A refusal is not a fault of the network; somebody may still put it right.

const UNAUTHORISED = 4401;
const FORBIDDEN = 4403;

export class Live {
  constructor(url, { subscription, onText, onFrame, onState }) {
    Object.assign(this, { url, subscription, onText, onFrame, onState });
    this.tries = 0;
    this.offset = 0; // Server clock minus ours, in ms.
    this.roundTrip = Infinity;
    this.open();
  }

  static now() {
    return performance.timeOrigin + performance.now();
  }

  get serverNow() {
    return Live.now() + this.offset;
  }

  open() {
    clearTimeout(this.retry);
    this.roundTrip = Infinity; // Of another way, perhaps, and after a sleep.
    const socket = new WebSocket(this.url);
    this.socket = socket;
    this.heard = performance.now();
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      socket.send(JSON.stringify(this.subscription()));
      this.ping();
    };
    socket.onmessage = ({ data }) => {
      this.heard = performance.now();
      if (typeof data !== "string") {
        const seq = this.onFrame(data);
        if (socket.readyState === WebSocket.OPEN) socket.send(`{"op":"ack","seq":${seq}}`);
        return;
      }
      const message = JSON.parse(data);
      if (message.ev === "pong") this.pong(message);
      else this.onText(message);
    };
    socket.onclose = ({ code, reason }) => this.lost(socket, code, reason);
    clearInterval(this.pulse);
    this.pulse = setInterval(() => this.check(socket), PING_MS);
  }

  check(socket) {
    if (performance.now() - this.heard > SILENCE_MS_MAX) this.lost(socket, 0, "no answer");
    else this.ping();
  }

  ping() {
    this.send({ op: "ping", t: Live.now() });
  }

  pong({ t, server_ms: server }) {
    const trip = Live.now() - t;
    const slow = trip > this.roundTrip * 2; // It says little about the clock; but if all are, the way has become longer.
    this.roundTrip = Math.min(trip, this.roundTrip * 1.2);
    if (slow) return;
    this.offset = server + trip / 2 - Live.now();
  }

  settled() {
    this.tries = 0;
    this.onState({ state: "live" });
  }

  send(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  lost(socket, code, reason) {
    if (socket !== this.socket) return;
    this.drop();
    this.tries++;
    let wait = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** (this.tries - 1)) * (0.7 + Math.random() * 0.6);
    let state = "reconnecting";
    if (code === UNAUTHORISED || code === FORBIDDEN) [state, wait] = [code === UNAUTHORISED ? "unauthorised" : "forbidden", REFUSED_RETRY_MS];
    this.onState({ state, reason, wait });
    this.retry = setTimeout(() => this.open(), wait);
  }

  drop() {
    const { socket } = this;
    clearInterval(this.pulse);
    if (!socket) return;
    this.socket = null;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  close() {
    clearTimeout(this.retry);
    this.drop();
  }
}
