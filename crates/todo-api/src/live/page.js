// The page: listens, and shows what was heard.

/** Where the service is: the folder that this page is in. */
const BASE = new URL(".", location.href);
const heard = new Heard();
const byId = (id) => document.getElementById(id);
const shown = () => byId("process").value;
let paused = false, cursor, latest;
const drawn = charts(() => heard.processes.values().next().value?.snapshot.bounds_us ?? []);

const EVENTS = {
  cache_breaker_opened: "Redis does not answer and is left alone: reads go to the store until it does",
  cache_breaker_closed: "Redis answers again",
  store_breaker_opened: "The store does not answer and is left alone: cached todos are answered as stale, the rest is 503",
  store_breaker_closed: "The store answers again",
  cache_replaced: "Redis is another, or was restarted: nothing cached before is answered",
  cache_emptied: "Redis was emptied (FLUSHALL), or evicts keys: todos are read from the store once more",
  invalidated_all: "Everything cached before is invalid: changes of the store were missed",
  invalidated_by_another: "Everything cached before is invalid: another process announced it",
  invalidated_past_cache: "Everything cached before is invalid in this process: it answered more past Redis than it remembers",
  lead_taken: "This process follows the change stream now",
  lead_lost: "This process follows the change stream no more",
  change_stream_ended: "The change stream ended: it is opened again",
  warming_began: "The cache is empty: the todos that are read most are loaded",
  warming_ended: "The cache is warm",
};

/** What is wrong now, in words; one line that all is well if nothing is. */
function stateOf(processes) {
  const lines = [];
  const where = (list) => (processes.length > 1 ? ` (${list.map(({ snapshot }) => heard.name(snapshot)).join(", ")})` : "");
  const check = (is, words) => {
    const list = processes.filter(({ snapshot }) => is(snapshot));
    if (list.length) lines.push(words(list[0].snapshot) + where(list));
  };
  check((one) => one.breaker !== "closed", () => "Redis does not answer: it is left alone, and reads go to the store (bypass), so they take as long as the store does.");
  check((one) => one.store_breaker !== "closed", () => "The store does not answer: it is left alone. Cached todos are answered as stale, everything else is 503.");
  check((one) => one.refusal !== null, (one) => `Redis refuses writes, so nothing new is cached: ${one.refusal}`);
  check((one) => one.stream.expected && !one.stream.live, () => "The change stream is not live: values are fresh for a shorter time, so more reads ask the store.");
  check((one) => one.pending > 0, (one) => `Invalidations that wait for the cache: ${one.pending}. These ids are read from the store.`);
  const silent = processes.filter(({ at }) => latest && latest - at > 3000);
  if (silent.length) lines.push(`Nothing is heard of ${silent.map(({ snapshot }) => heard.name(snapshot)).join(", ")}: it ended, or it or this process has lost Redis.`);
  return lines;
}

function showState(processes) {
  const wrong = stateOf(processes);
  const lines = wrong.length ? wrong : ["Cache and store answer."];
  if (byId("state").textContent === lines.join("")) return;
  byId("state").replaceChildren(...lines.map((line) => el("li", { class: wrong.length ? "wrong" : false }, line)));
}

function showTiles(processes, figures) {
  const bounds = processes[0]?.snapshot.bounds_us ?? [];
  const worst = (key) => processes.map(({ snapshot }) => snapshot[key]).find((state) => state !== "closed") ?? "closed";
  const sum = (of) => processes.reduce((total, { snapshot }) => total + of(snapshot), 0);
  const leader = processes.find(({ snapshot }) => snapshot.stream.leading)?.snapshot;
  const expected = processes.some(({ snapshot }) => snapshot.stream.expected);
  const lags = processes.map(({ snapshot }) => snapshot.stream.lag_ms).filter((one) => one !== null);
  const lag = lags.length ? Math.max(...lags) : undefined;
  const behind = !expected ? "values are fresh for --fresh" : lag === undefined ? "nothing is known yet" : leader ? `behind; followed by ${heard.name(leader)}` : "behind";
  const breakers = [["cache", worst("breaker")], ["store", worst("store_breaker")]];
  const tiles = [
    ["Requests a second", short(figures && requestsOf(figures))],
    ["Hit ratio", percent(figures && hitRatio(figures))],
    ["p50", time(figures && quantile(figures.latency, bounds, 0.5))],
    ["p99", time(figures && quantile(figures.latency, bounds, 0.99))],
    ["Loads of the store", short(figures?.loads), `a second; ${sum((one) => one.loads_running)} under way`],
    ["Change stream", expected ? time(lag) : "none", behind],
    ["Breakers", breakers.every(([, state]) => state === "closed") ? "closed" : "open", breakers.map(([name, state]) => `${name} ${state}`).join(", ")],
    ["L1", short(sum((one) => one.l1.entries)), `values, ${short(sum((one) => one.l1.bytes) / 1e6)} MB, ${short(sum((one) => one.l1.evictions))} evicted`],
  ];
  byId("tiles").replaceChildren(...tiles.map(([name, value, more]) =>
    el("div", { class: value === "open" && "wrong" }, el("dt", {}, name), el("dd", {}, value, more ? el("small", {}, more) : undefined))));
}

function table(id, heads, rows, none) {
  const numeric = (value) => (typeof value === "string" && /^[–\d][\d.,]*k?( (%|ms|s|h|d))?$/.test(value) ? "number" : false);
  const cells = (row) => row.map((value) => el("td", { class: numeric(value) }, value));
  const body = rows.length ? rows.map((row) => el("tr", {}, ...cells(row))) : [el("tr", {}, el("td", { colspan: heads.length, class: "soft" }, none))];
  const aligned = (at) => (rows.length && numeric(rows[0][at]) ? "number" : false);
  byId(id).replaceChildren(el("thead", {}, el("tr", {}, ...heads.map((head, at) => el("th", { scope: "col", class: aligned(at) }, head)))), el("tbody", {}, ...body));
}

function showTables(processes, marks) {
  const hot = new Map();
  const sampled = processes.some(({ snapshot }) => snapshot.hot);
  for (const { snapshot } of processes) for (const [id, rate] of snapshot.hot ?? []) hot.set(id, (hot.get(id) ?? 0) + rate);
  const hottest = [...hot].sort((a, b) => b[1] - a[1]).slice(0, 10);
  const bar = (rate) => el("meter", { min: 0, max: hottest[0][1], value: rate, "aria-hidden": "true" });
  table("hot", ["Id", "Reads a second", ""], hottest.map(([id, rate]) => [el("code", {}, id), short(rate), bar(rate)]), sampled ? "No reads." : "Reads are not sampled: there is no cache to warm, or --warm-ids is 0.");
  table("events", ["", "When", "Process", "What"], marks.slice(0, 30).map((event) =>
    [el("strong", {}, event.letter), clock(event.at), heard.name(event.by), EVENTS[event.kind] + (event.cause ? ` (${event.cause})` : "")]), "None yet.");
  table("processes", ["Process", "Requests/s", "Hit ratio", "p99", "Loads/s", "Cache", "Store", "Change stream", "Up"], processes.map(({ snapshot: one, figures }) => [
    heard.name(one), short(figures && requestsOf(figures)), percent(figures && hitRatio(figures)), time(figures && quantile(figures.latency, one.bounds_us, 0.99)),
    short(figures?.loads), one.breaker, one.store_breaker, one.stream.leading ? "follows" : one.stream.live ? "live" : "not live", time(one.up_ms),
  ]), "None.");
}

/** Letters for the events that the charts show, from the oldest. */
function lettered(marks) {
  return marks.map((event, at) => ({ ...event, letter: String.fromCharCode(65 + ((marks.length - 1 - at) % 26)) }));
}

function show() {
  const processes = heard.shown(shown());
  const series = heard.series(shown());
  const last = [...series].reverse().find((point) => point.figures)?.figures;
  const marks = lettered(heard.marks(shown()));
  const at = cursor === undefined ? undefined : series.filter((point) => point.figures).reduce((best, point) =>
    (best === undefined || Math.abs(point.at - cursor) < Math.abs(best.at - cursor) ? point : best), undefined);
  showState(processes);
  showTiles(processes, last);
  showTables(processes, marks);
  for (const chart of drawn) chart.draw(series, latest, marks, at);
  byId("readout").textContent = at ? `${clock(at.at)}: ${drawn.map((chart) => chart.says(at.figures)).join("; ")}` : "";
}

function chooseProcess() {
  const select = byId("process"), known = [...heard.processes.values()].map(({ snapshot }) => snapshot);
  const have = [...select.options].slice(1).map((option) => option.value);
  if (have.length === known.length && known.every((one) => have.includes(one.process))) return;
  const was = select.value;
  select.replaceChildren(el("option", { value: "" }, `all (${known.length})`), ...known.map((one) => el("option", { value: one.process }, heard.name(one))));
  select.value = known.some((one) => one.process === was) ? was : "";
}

function heardNow(event) {
  const picture = JSON.parse(event.data);
  heard.take(picture);
  latest = picture.at_ms;
  chooseProcess();
  if (!paused) show();
}

function heardBefore(event) {
  const past = JSON.parse(event.data);
  heard.takePast(past);
  latest ??= past.at_ms;
}

let stream;
/** Listens while somebody looks, and only then. */
function listen() {
  if (document.hidden) {
    stream?.close();
    stream = undefined;
    return;
  }
  if (stream) return;
  stream = new EventSource(location.pathname.split("/").pop());
  stream.addEventListener("open", () => { byId("connection").textContent = `Listening to ${BASE.host}.`; });
  stream.addEventListener("past", heardBefore);
  stream.addEventListener("picture", heardNow);
  stream.addEventListener("error", () => {
    byId("connection").textContent = "The connection broke: trying again.";
    if (stream?.readyState === EventSource.CLOSED) {
      stream = undefined;
      setTimeout(listen, 2000);
    }
  });
}

function moveCursor(key) {
  const step = { ArrowLeft: -1000, ArrowRight: 1000, PageUp: -30_000, PageDown: 30_000 }[key];
  if (key === "Escape") cursor = undefined;
  else if (step) cursor = Math.min(latest, Math.max((heard.points[0]?.at ?? latest), (cursor ?? latest) + step));
  else return false;
  byId("readout").setAttribute("aria-live", "polite");
  show();
  return true;
}

byId("charts").append(...drawn.map((chart) => chart.figure));
byId("legend").append(...OUTCOMES.map(([key, words]) => {
  const swatch = shape("svg", { viewBox: "0 0 10 10", "aria-hidden": "true" });
  swatch.append(shape("rect", { class: `f-${key}`, width: 10, height: 10, rx: 2 }));
  return el("li", {}, swatch, words);
}));
byId("process").addEventListener("change", () => { if (latest) show(); });
const pause = () => {
  paused = !paused;
  byId("pause").setAttribute("aria-pressed", `${paused}`);
  byId("pause").firstChild.textContent = paused ? "Go on " : "Pause ";
  if (latest) show();
};
byId("pause").addEventListener("click", pause);
document.addEventListener("keydown", (event) => {
  const isTyping = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
  if (event.key === "p" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) pause();
});
byId("charts").addEventListener("keydown", (event) => { if (latest && moveCursor(event.key)) event.preventDefault(); });
byId("charts").addEventListener("pointermove", (event) => {
  const chart = drawn.find((one) => one.svg.contains(event.target));
  if (!latest || !chart?.moment) return;
  cursor = chart.moment(event.clientX);
  byId("readout").removeAttribute("aria-live");
  show();
});
byId("charts").addEventListener("pointerleave", () => { cursor = undefined; if (latest) show(); });
new ResizeObserver(() => { if (latest) show(); }).observe(byId("charts"));
document.addEventListener("visibilitychange", listen);
startTryBox();
listen();
