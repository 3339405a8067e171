// Leaving quickly, and following how a request stands. Everything else works without this file, and so does looking.
"use strict";

(() => {
  const exit = document.querySelector("a.exit");
  const leave = () => {
    document.documentElement.hidden = true;
    location.replace(exit.href);
  };
  exit.addEventListener("click", (event) => { event.preventDefault(); leave(); });
  let presses = [];
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") { presses = []; return; }
    presses = [...presses.filter((at) => event.timeStamp - at < 3000), event.timeStamp];
    if (presses.length >= 3) leave();
  });
})();

// Server-sent events by fetch, since only that can send the token in a header; the words come from the server as the
// page itself did, so that they are written in one place.
(() => {
  const panel = document.getElementById("standing");
  const form = document.getElementById("again");
  const live = document.getElementById("live");
  if (!panel || !form) return;
  const said = new FormData(form);
  let line = null;

  const showAnew = async () => {
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(said), cache: "no-store" });
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("standing");
    if (!fresh) return;
    panel.dataset.version = fresh.dataset.version;
    panel.replaceChildren(...fresh.childNodes);
  };

  // What one event says: whether there is anything more to come.
  const hear = async (event) => {
    const fields = Object.fromEntries(event.split("\n").map((row) => row.split(/: ?(.*)/s).slice(0, 2)));
    if (fields.event === "status" && fields.id !== panel.dataset.version) await showAnew();
    return !(fields.event === "end" && JSON.parse(fields.data).reason !== "later");
  };

  const follow = async () => {
    line = new AbortController();
    const headers = { Authorization: `Bearer ${said.get("token")}`, "Last-Event-ID": panel.dataset.version };
    const path = `/v1/cases/${encodeURIComponent(said.get("case_code"))}/events`;
    const answer = await fetch(path, { headers, cache: "no-store", signal: line.signal });
    if (!answer.ok) return answer.status >= 500;
    live.hidden = false;
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return true;
      const events = (text + value).split("\n\n");
      text = events.pop();
      for (const event of events) if (!(await hear(event))) return false;
    }
  };

  const pause = (seconds) => new Promise((go) => setTimeout(go, seconds * 1000));
  const seen = () => new Promise((go) => document.addEventListener("visibilitychange", go, { once: true }));
  // A page that nobody looks at holds no line.
  document.addEventListener("visibilitychange", () => { if (document.hidden && line) line.abort(); });

  (async () => {
    for (let lost = 0, more = true; more;) {
      while (document.hidden) await seen();
      try {
        more = await follow();
        lost = 0;
      } catch {
        lost += 1;
      }
      live.hidden = true;
      if (more) await pause(Math.min(30, 1 + 2 ** Math.min(lost, 5) * Math.random()));
    }
  })();
})();
