// The try box: one id, its cell as it is now, and each step of what a read, a write and a forgetting do.

const tryId = () => document.getElementById("try-id").value;
const todoUrl = () => new URL(`todos/${encodeURIComponent(tryId())}`, BASE);
const cellUrl = () => new URL(`live/cells/${encodeURIComponent(tryId())}`, BASE);

const KINDS = { value: "value", absent: "known absence: the store holds nothing", tombstone: "tombstone: a floor without a value" };
const ANSWERS = {
  fresh: "yes: fresh",
  stale: "yes: stale, and a read refreshes it",
  aged: "only while the store is late or fails: past its time",
  invalid: "only while the store is away: from before the validity moment",
  no: "no: a read asks the store",
};

/** What the cell is, as rows. */
function rowsOf(found) {
  if (found.cache === "off") return [["Cache", "switched off: every read goes to the store"]];
  if (found.cache === "down") return [["Cache", "does not answer: reads go to the store"]];
  const cell = found.cell;
  const rows = cell
    ? [
        ["Kind", KINDS[cell.kind]],
        [cell.kind === "value" ? "Version" : "Floor", `${cell.version}`],
        ["Age", time(cell.age_ms)],
        ["Fresh for", cell.ttl_ms === null ? "–" : cell.ttl_ms > 0 ? `${time(cell.ttl_ms)} more` : `over since ${time(-cell.ttl_ms)}`],
        ["Answers", ANSWERS[cell.answers]],
        ["Body", `${cell.bytes} bytes`],
      ]
    : [["Kind", "none: a read is a miss"]];
  const by = { filler: "a reader fills", writer: "a writer is at work" };
  const lease = found.lease.map((entry) => `${by[entry.by]}, for ${time(entry.ends_in_ms)} at most`);
  rows.push(["Lease", lease.length ? lease.join("; ") : "free"]);
  if (found.has_l1) rows.push(["L1", found.in_l1 ? "this process answers it without asking Redis" : "not in this process"]);
  if (found.pending) rows.push(["Invalidation", "waits for the cache"]);
  return rows;
}

let shownCell = "";
async function showCell() {
  if (!tryId()) return;
  const asked = tryId();
  let rows;
  try {
    const answer = await fetch(cellUrl());
    rows = answer.ok ? rowsOf(await answer.json()) : [["Cell", (await answer.json()).detail]];
  } catch {
    rows = [["Cell", "the service does not answer"]];
  }
  const text = JSON.stringify(rows);
  if (asked !== tryId() || text === shownCell) return;
  shownCell = text;
  document.getElementById("cell").replaceChildren(...rows.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}

/** The parts of `Cache-Status` (RFC 9211). */
function parts(status) {
  return Object.fromEntries((status ?? "").split("; ").slice(1).map((part) => {
    const [name, value] = part.split("=");
    return [name, value ?? true];
  }));
}

/** What a read did, step by step. */
function stepsOfRead(status, code) {
  const said = parts(status);
  const there = code === 404 ? "there is no such todo" : "the todo";
  if (said.detail === "l1") return ["L1 of this process has the value: Redis is not asked.", "That is the answer."];
  if (said.detail === "absent") return ["The cell in the cache says: known absence.", "That is the answer, 404; the store is not asked."];
  if (said.detail === "stale") return ["The cell is past its time, by little.", "It is the answer all the same, and one load refreshes it behind the answer."];
  if (said.detail === "stale-if-error") return ["The cell is past its time, and the store failed or was late.", "The old value is the answer (stale-if-error)."];
  if (said.hit) return ["The cell in the cache holds a fresh value.", `That is the answer; the store is not asked. It stays fresh for ${said.ttl} s.`];
  if (said.fwd === "bypass") {
    const why = said.detail === "cache-off" ? "The cache is switched off." : "The cache does not answer.";
    return [why, `The store is asked past it: ${there}.`, "Nothing is stored."];
  }
  if (said.fwd !== "miss") return [];
  return [
    "The cell in the cache is missing, or does not answer any more.",
    said.collapsed ? "Another request for the id fills already: this one waits and shares its load." : "The lease of the id is taken: who else asks now waits for this fill.",
    `The store is read: ${there}.`,
    said.stored ? "The put stores that in the cache, before the answer leaves. The next read is a hit." : "Somebody put something newer meanwhile: nothing is stored.",
  ];
}

/** What a write did, step by step. */
function stepsOfWrite(status, tag) {
  const said = parts(status);
  const version = (tag ?? "").replace(/^"|-.*$/g, "");
  const begun = ["The writer enters the lease, beside whoever is at work.", `The store commits: version ${version}.`];
  if (said.stored) return [...begun, "The new value is published to the cache, and only then is the write acknowledged.", "The next read is a hit."];
  if (said.detail === "publish-deferred") return [...begun, "The cache did not take it in time: the invalidation waits, and is delivered as soon as it does."];
  return [...begun, "The cell is invalidated instead of published: the next read is a miss, and fills it."];
}

function tell(title, steps) {
  const list = document.getElementById("steps");
  const entry = el("li", {}, el("strong", {}, title), el("ol", {}, ...steps.map((step) => el("li", {}, step))));
  list.replaceChildren(entry, ...[...list.children].filter((child) => !child.classList.contains("soft")).slice(0, 9));
}

/** Runs one of the three with the buttons disabled, and shows the cell afterwards. */
async function attempt(what, run) {
  const buttons = [...document.querySelectorAll("#try-form button")];
  const focused = document.activeElement;
  buttons.forEach((button) => { button.disabled = true; });
  const began = performance.now();
  const took = () => `in ${time(performance.now() - began)}`;
  try {
    await run(took);
  } catch (error) {
    tell(`${what} failed: ${error.message}`, []);
  }
  buttons.forEach((button) => { button.disabled = false; });
  if (buttons.includes(focused)) focused.focus();
  await showCell();
}

async function said(answer) {
  if (answer.ok || answer.status === 404) return [];
  const problem = await answer.json().catch(() => ({}));
  return [problem.detail ?? "no reason was given"];
}

const read = () => attempt("Read", async (took) => {
  const answer = await fetch(todoUrl());
  const status = answer.headers.get("cache-status");
  tell(`GET ${answer.status} ${took()}: ${status ?? ""}`, [...stepsOfRead(status, answer.status), ...(await said(answer))]);
});

const write = () => attempt("Write", async (took) => {
  const body = JSON.stringify({ name: document.getElementById("try-name").value, description: `Written at ${clock(Date.now())}` });
  const answer = await fetch(todoUrl(), { method: "PUT", headers: { "Content-Type": "application/json" }, body });
  const status = answer.headers.get("cache-status");
  const steps = answer.ok ? stepsOfWrite(status, answer.headers.get("etag")) : await said(answer);
  tell(`PUT ${answer.status} ${took()}: ${status ?? ""}`, steps);
});

const forget = () => attempt("Forget", async (took) => {
  const answer = await fetch(cellUrl(), { method: "DELETE" });
  const steps = answer.ok
    ? ["Cell and lease are removed, and every L1 is told: whoever is filling right now stores nothing.", "The store is as it was. The next read is a miss."]
    : await said(answer);
  tell(`Forget ${answer.status} ${took()}`, steps);
});

function startTryBox() {
  const form = document.getElementById("try-form");
  form.addEventListener("submit", (event) => { event.preventDefault(); read(); });
  const pressed = (run) => () => { if (form.reportValidity()) run(); };
  document.getElementById("try-write").addEventListener("click", pressed(write));
  document.getElementById("try-forget").addEventListener("click", pressed(forget));
  document.getElementById("try-id").addEventListener("input", showCell);
  showCell();
  setInterval(() => { if (!document.hidden) showCell(); }, 1000);
}
