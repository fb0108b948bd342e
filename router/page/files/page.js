// Times in the zone of the reader, completion of names, the live list, and a sign of progress. Pages work without it.
const local = new URLSearchParams(location.search).get("tz") === "local";

function showTimes(root) {
  if (!local) return;
  const form = new Intl.DateTimeFormat(undefined, {dateStyle: "short", timeStyle: "short"});
  for (const time of root.querySelectorAll("time[datetime]")) {
    time.textContent = form.format(new Date(time.dateTime));
  }
}
showTimes(document);
const zones = document.getElementById("zones");
zones.hidden = false;
if (local) document.getElementById("zone").textContent = Intl.DateTimeFormat().resolvedOptions().timeZone;

// A page that takes long says so.
addEventListener("submit", busy);
addEventListener("click", e => e.target.closest?.("a[href]:not([download])") && !e.ctrlKey && !e.metaKey && busy());
addEventListener("pageshow", () => document.body.removeAttribute("aria-busy"));
function busy() { document.body.setAttribute("aria-busy", "true"); }

// Completion asks once the reader has stopped typing.
for (const input of document.querySelectorAll("input[data-names]")) {
  let timer, asked;
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => complete(input), 150);
  });
  async function complete() {
    asked?.abort();
    asked = new AbortController();
    const range = new URLSearchParams();
    for (const name of ["from", "to"]) {
      const value = document.getElementById(name).value;
      if (value) range.set(name, value);
    }
    if (!range.has("from")) range.set("from", "-23h");
    range.set("field", input.dataset.names);
    range.set("prefix", input.value.replace(/\*.*$/, ""));
    range.set("limit", "20");
    try {
      const answer = await fetch("/names?" + range, {signal: asked.signal, headers: {Accept: "application/json"}});
      if (!answer.ok) return;
      const names = await answer.json();
      input.list.replaceChildren(...names.map(name => {
        const option = document.createElement("option");
        option.value = name.replace(/[\\*]/g, "\\$&");
        return option;
      }));
    } catch { /* the next key asks again */ }
  }
}

// The live list asks for itself again and again.
const live = document.getElementById("live");
if (live) follow();

function follow() {
  const state = document.getElementById("live-state"), pause = document.getElementById("pause");
  let timer;
  pause.hidden = false;
  pause.addEventListener("click", () => timer ? stop() : next());
  function stop() {
    clearTimeout(timer);
    timer = undefined;
    pause.textContent = "Go on";
    pause.setAttribute("aria-pressed", "true");
    state.textContent = "Paused.";
  }
  function next() {
    pause.textContent = "Pause";
    pause.setAttribute("aria-pressed", "false");
    timer = setTimeout(refresh, 1000);
  }
  async function refresh() {
    try {
      const answer = await fetch(location, {headers: {Accept: "text/html"}});
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (!answer.ok) throw new Error(page.querySelector("[role=alert]")?.textContent);
      if (!timer) return;
      document.getElementById("live").tBodies[0].replaceWith(page.getElementById("live").tBodies[0]);
      state.textContent = "Newest answer: " + new Date().toLocaleTimeString() + ".";
    } catch {
      state.textContent = "The node does not answer. Trying again ...";
    }
    if (timer) next();
  }
  next();
}
