// Times in the zone of the reader, completion of names, the live list, and a sign of progress. Pages work without it.
const local = new URLSearchParams(location.search).get("tz") === "local";

function showTimes(root) {
  if (!local) return;
  const form = new Intl.DateTimeFormat(undefined, {dateStyle: "short", timeStyle: "short"});
  for (const time of root.querySelectorAll("time[datetime]")) {
    time.textContent = form.format(new Date(time.dateTime));
  }
  for (const e of root.querySelectorAll("[data-time]")) { // a text in a chart that begins with a time in UTC
    const inZone = text => text.replace(/^\d{4}-\d\d-\d\d \d\d:\d\d/, form.format(new Date(e.dataset.time)));
    if (e.ariaLabel) e.ariaLabel = inZone(e.ariaLabel);
    else e.textContent = inZone(e.textContent);
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

// The live list follows the events of the node.
const live = document.getElementById("live");
if (live) follow(live);

function follow(table) {
  const state = document.getElementById("live-state"), pause = document.getElementById("pause");
  const rows = new Map();
  let source, last;
  pause.hidden = false;
  pause.addEventListener("click", () => source ? stop("Paused.") : start());
  function stop(text) {
    source?.close();
    source = undefined;
    pause.textContent = "Go on";
    pause.setAttribute("aria-pressed", "true");
    state.textContent = text;
  }
  function start() {
    pause.textContent = "Pause";
    pause.setAttribute("aria-pressed", "false");
    state.textContent = "Connecting ...";
    source = new EventSource(table.dataset.stream);
    source.addEventListener("open", () => state.textContent = "Follows the cluster.");
    source.addEventListener("error", lost);
    source.addEventListener("all", e => { rows.clear(); take(e, true); });
    source.addEventListener("change", take);
  }
  // An event with data is a failed evaluation. One without is a lost connection, which a refusal closes for good.
  function lost(e) {
    state.textContent = e.data ? JSON.parse(e.data).title : "The node does not answer. Trying again ...";
    if (source.readyState === EventSource.CLOSED) setTimeout(() => source && start(), 2000);
  }
  function key(row) { return JSON.stringify(row.other ? null : [row.src_app, row.dest_app, row.vpc_id]); }
  function take(e, whole) {
    const change = JSON.parse(e.data);
    for (const row of change.removed ?? []) rows.delete(key(row));
    for (const row of change.rows ?? []) rows.set(key(row), row);
    last = new Set(whole ? [] : (change.rows ?? []).map(key));
    state.textContent = "Follows the cluster. Newest answer: " + new Date().toLocaleTimeString(undefined, local ? {} : {timeZone: "UTC"}) + ".";
    draw();
  }
  function draw() {
    const size = row => BigInt(row.bytes_tx) + BigInt(row.bytes_rx);
    const sorted = [...rows].sort(([, a], [, b]) => !!a.other - !!b.other || (size(b) > size(a) ? 1 : -1));
    table.tBodies[0].replaceChildren(...sorted.map(([name, row]) => {
      const line = document.createElement("tr");
      if (row.other) {
        line.className = "other";
        cell(line, row.groups + (row.groups == 1 ? " other group" : " other groups")).colSpan = 3;
      } else {
        for (const field of ["src_app", "dest_app", "vpc_id"]) cell(line, row[field]);
      }
      for (const field of ["bytes_tx", "bytes_rx"]) {
        const amount = cell(line, human(row[field]));
        amount.className = "n";
        amount.title = row[field] + " bytes";
      }
      if (last.has(name)) line.classList.add("changed");
      return line;
    }));
  }
  function cell(line, text) {
    const added = line.insertCell();
    added.textContent = text;
    return added;
  }
  function human(digits) {
    if (digits.length <= 3) return digits + " B";
    const units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
    const unit = Math.min(Math.floor((digits.length - 1) / 3), units.length - 1), whole = digits.length - 3 * unit;
    const rest = digits.slice(whole, 3);
    return digits.slice(0, whole) + (rest && "." + rest) + " " + units[unit];
  }
  start();
}
