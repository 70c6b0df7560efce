// Keeps the parts marked data-live up to date: an event says that something changed, and the page is fetched anew.
// Where events do not come, the page is fetched every 10 s.
(() => {
  "use strict";
  const polling = 10000;
  let stream = null, watch = 0, poll = 0, busy = false, again = false, pressed = false, quiet = 0;

  // What is under a finger stays as it is until the finger has left.
  addEventListener("pointerdown", () => { pressed = true; }, true);
  for (const e of ["pointerup", "pointercancel"])
    addEventListener(e, () => { pressed = false; clearTimeout(quiet); quiet = setTimeout(() => again && update(), 400); }, true);

  // What the server last said of each part; the document's own may have been touched since.
  const said = new WeakMap();
  const learn = e => { said.set(e, e.outerHTML); return e; };
  for (const e of document.querySelectorAll("[data-live], [data-list] > *")) learn(e);

  const inUse = e => e.querySelector("details[open]") ||
    e.contains(document.activeElement) && document.activeElement.matches("input:not([type=hidden]), select, textarea");

  function put(now, next) {
    if (said.get(now) === next.outerHTML || inUse(now)) return;
    const focus = now.contains(document.activeElement) ? document.activeElement.id : "";
    now.replaceWith(learn(next));
    if (focus) document.getElementById(focus)?.focus({ preventScroll: true });
  }

  // The items of a list keep their places: what has left stays as an empty place, what has come is put at the end.
  function list(now, next) {
    for (const item of [...now.children]) {
      const other = next.querySelector("#" + CSS.escape(item.id));
      if (other && item.inert) { item.replaceWith(learn(other.cloneNode(true))); continue; }
      if (other) { put(item, other.cloneNode(true)); continue; }
      if (item.dataset.stays === undefined) { item.remove(); continue; }
      if (item.inert) continue;
      item.inert = true;
      const gone = document.createElement("p");
      gone.className = "gone";
      gone.textContent = item.dataset.stays;
      item.append(gone);
    }
    for (const item of [...next.children])
      if (!now.querySelector("#" + CSS.escape(item.id))) {
        const fresh = learn(item.cloneNode(true));
        fresh.classList.add("new");
        now.append(fresh);
      }
  }

  function show(page) {
    for (const now of document.querySelectorAll("[data-live]")) {
      const next = page.getElementById(now.id);
      if (!next) continue;
      if (now.dataset.list !== undefined) list(now, next);
      else put(now, next.cloneNode(true));
    }
    const spoken = document.querySelector("[data-say]"), say = page.querySelector("[data-say]");
    if (spoken && say && spoken.textContent !== say.textContent) {
      spoken.textContent = say.textContent;
      document.getElementById("dire").textContent = say.textContent;
    }
    if (say) document.title = page.title;
  }

  async function update() {
    if (busy || pressed) { again = true; return; }
    busy = true;
    again = false;
    try {
      const answer = await fetch(location.href, { credentials: "same-origin", cache: "no-store" });
      if (answer.redirected || answer.status === 403) { location.reload(); return; }
      if (answer.ok) show(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } catch { /* the console does not answer: it is asked again */ }
    busy = false;
    if (again) setTimeout(update, 200);
  }

  // Events are taken for blocked when the first one does not come, or none for longer than the server's heartbeat.
  function alive(patience) {
    clearInterval(poll);
    clearTimeout(watch);
    watch = setTimeout(() => { poll = setInterval(update, polling); }, patience);
  }

  function open() {
    if (stream || document.hidden) return;
    alive(5000);
    stream = new EventSource("/evenements");
    stream.onmessage = () => { alive(45000); update(); };
  }

  function close() {
    stream?.close();
    stream = null;
    clearInterval(poll);
    clearTimeout(watch);
  }

  document.addEventListener("visibilitychange", () => { if (document.hidden) close(); else { open(); update(); } });
  addEventListener("pagehide", close);
  addEventListener("pageshow", open);
})();
