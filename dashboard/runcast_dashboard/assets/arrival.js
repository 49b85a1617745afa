// Bytes travel beside the row that names them, and may come later than it: what shows them asks again for a while.

const RETRY_MS = 2000;
const TRIES_MAX = 30;

// Ask for bytes, and again while they are not there and somebody still looks; `waits` is told of each time.
export async function arrived(ask, looked, waits = () => {}) {
  for (let tries = 0; ; tries++) {
    try {
      return await ask();
    } catch (error) {
      if ((error.status !== 404 && error.code !== "away") || tries === TRIES_MAX || !looked()) throw error;
      waits();
      await new Promise((done) => setTimeout(done, RETRY_MS));
    }
  }
}

// Show a file in a picture or a player: done when `event` says that it came. Raises Trouble while it is on its way; what is
// there and fails again cannot be shown, however often it is asked for.
export async function loaded(node, { path, sha256 }, service, event = "load") {
  const address = service.file(path, sha256);
  try {
    await sourced(node, address, event);
  } catch {
    await service.here(path, sha256);
    // The address that failed may be answered from the browser's memory.
    await sourced(node, `${address}${address.includes("?") ? "&" : "?"}again`, event);
  }
}

function sourced(node, address, event) {
  return new Promise((done, fail) => {
    node.addEventListener(event, done, { once: true });
    node.onerror = () => fail(new Error("It cannot be shown: this browser does not know what its bytes are."));
    node.src = address;
  });
}
