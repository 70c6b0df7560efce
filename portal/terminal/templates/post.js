// Keeps the post's page as it should be: the time that is left, the warnings, and a new page when there is something new to say.
// Each service has a tab of its own beside this one; when the time is over they are closed.
(() => {
  "use strict";
  const { state, stamp, icon, alert, one, five } = document.body.dataset;
  const kept = name => { try { return JSON.parse(sessionStorage.getItem(name)) || []; } catch { return []; } };
  const keep = (name, value) => { try { sessionStorage.setItem(name, JSON.stringify(value)); } catch { /* it is a convenience */ } };

  // A service is opened under a name: so it is found again by this tab's later pages, and a second press leads to the same tab. It
  // keeps its opener, without which a browser lets no page close it.
  for (const a of document.querySelectorAll("a[data-tab]"))
    a.addEventListener("click", e => {
      if (e.ctrlKey || e.metaKey || e.shiftKey) return;
      const name = "parvis-" + a.dataset.tab;
      const tab = window.open(a.href, name);
      if (!tab) return; // the browser opens it by the link itself
      e.preventDefault();
      keep("tabs", [...new Set([...kept("tabs"), name])]);
      tab.focus();
    });

  function closeTabs() {
    const names = kept("tabs");
    keep("tabs", []);
    for (const name of names) window.open("", name)?.close();
  }

  const close = document.getElementById("fermer");
  if (close) {
    closeTabs();
    close.addEventListener("click", () => { closeTabs(); window.close(); }); // where it may not, the link says what to press
  }

  if (!state) return;

  const rest = document.title.replace(/^\d+\u00a0(min|h\u00a0\d+) – /, "");
  let leaving = false, stream = null, poll = 0, watch = 0;

  // A short sound of two notes; the browser lets it be heard once somebody has touched the page.
  function ring() {
    try {
      const audio = new AudioContext();
      [660, 880].forEach((pitch, i) => {
        const note = audio.createOscillator(), loud = audio.createGain(), at = audio.currentTime + i * 0.3;
        note.frequency.value = pitch;
        loud.gain.setValueAtTime(0.25, at);
        loud.gain.exponentialRampToValueAtTime(0.001, at + 0.28);
        note.connect(loud).connect(audio.destination);
        note.start(at);
        note.stop(at + 0.3);
      });
      setTimeout(() => audio.close(), 1500);
    } catch { /* the page and its title say it too */ }
  }

  function warn(n) {
    document.getElementById("icone").href = n.warn ? alert : icon;
    const key = n.warn ? String(n.warn) : "";
    if (kept("warned") === key || kept("warned").length === 0 && !key) return;
    keep("warned", key);
    if (!key) return;
    document.getElementById("dire").textContent = n.warn === 1 ? one : five;
    ring();
  }

  function tell(n) {
    if (leaving) return;
    if (n.left) {
      const left = document.getElementById("reste");
      if (left && left.textContent !== n.left) left.textContent = n.left;
      document.title = n.title + " – " + rest;
    }
    warn(n);
    if (n.stamp === stamp) return;
    leaving = true;
    if (!n.left) closeTabs();
    keep("focus", document.activeElement?.id || "");
    location.replace(n.left || location.pathname === "/kiosk/aide" ? location.href : "/kiosk/" + location.search);
  }

  const focus = kept("focus");
  keep("focus", "");
  if (typeof focus === "string" && focus) document.getElementById(focus)?.focus({ preventScroll: true });

  async function ask() {
    try {
      const answer = await fetch(state, { headers: { Accept: "application/json" }, cache: "no-store" });
      if (answer.ok) tell(await answer.json());
    } catch { /* the router does not answer: it is asked again */ }
  }

  // Events are taken for blocked when none comes for longer than the server's heartbeat.
  function alive(patience) {
    clearInterval(poll);
    clearTimeout(watch);
    watch = setTimeout(() => { ask(); poll = setInterval(ask, 5000); }, patience);
  }

  function listen() {
    alive(5000);
    stream?.close();
    stream = new EventSource(state);
    stream.onmessage = e => { alive(45000); tell(JSON.parse(e.data)); };
  }

  function hush() { stream?.close(); clearInterval(poll); clearTimeout(watch); }

  // What the person has just pressed is on its way: nothing may load the page under it.
  addEventListener("beforeunload", () => {
    leaving = true;
    hush();
    setTimeout(() => { leaving = false; listen(); }, 15000); // it has come to nothing
  });
  addEventListener("pagehide", hush);
  addEventListener("pageshow", () => { leaving = false; listen(); });
})();
