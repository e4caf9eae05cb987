// Live pages. The server sends {"kind": "upload.step", "data": {...ids}}; every element with a data-live that names the
// kind (exactly, or its beginning as in "upload.") gets the htmx event "live" and fetches itself:
//   <section hx-get="/home/uploads/fragment/" hx-trigger="live" hx-swap="outerHTML" data-live="upload. batch.">
// Without the socket, the same elements are refreshed every few seconds.

const GATHER_MS = 250; // several events within this time make one fetch
const POLL_MS = 5000;
const LONGEST_WAIT_MS = 15000;
const asked = new Map(); // element: timer
let missed = false; // something happened while the page was hidden
let polling = 0;

export function startLive() {
  const path = document.body.dataset.liveSocket;
  if (!path) return;
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && missed) refreshAll();
  });
  connect(path, 1000);
}

function connect(path, wait) {
  const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`);
  let next = wait;
  socket.addEventListener("open", () => {
    next = 1000;
    show("live", "Live");
    clearInterval(polling);
    polling = 0;
    refreshAll();
  });
  socket.addEventListener("message", (message) => {
    const event = JSON.parse(message.data);
    document.dispatchEvent(new CustomEvent("hearth:event", { detail: event }));
    refresh(event.kind);
  });
  socket.addEventListener("close", (event) => {
    if (event.code === 4403) { // for good; after any other code, such as 4409 for "come again", it is tried anew
      show("off", "Not live");
      return;
    }
    show("waiting", "Reconnecting");
    polling ||= setInterval(refreshAll, POLL_MS);
    setTimeout(() => connect(path, Math.min(next * 2, LONGEST_WAIT_MS)), next);
  });
}

function show(state, text) {
  for (const dot of document.querySelectorAll("[data-live-dot]")) {
    dot.dataset.state = state;
    dot.textContent = text;
  }
}

function names(element, kind) {
  return element.dataset.live.split(/\s+/).some((name) => name === kind || (name.endsWith(".") && kind.startsWith(name)));
}

function refresh(kind) {
  for (const element of document.querySelectorAll("[data-live]")) {
    if (names(element, kind)) ask(element);
  }
}

function refreshAll() {
  missed = false;
  for (const element of document.querySelectorAll("[data-live]")) ask(element);
}

function ask(element) {
  if (document.hidden) {
    missed = true;
    return;
  }
  if (asked.has(element)) return;
  asked.set(element, setTimeout(() => {
    asked.delete(element);
    if (element.isConnected) window.htmx.trigger(element, "live");
  }, GATHER_MS));
}
