const bar = document.createElement("p");
bar.className = "card note";
const state = document.createElement("span");
state.textContent = "The run goes on. ";
const stop = document.createElement("button");
stop.textContent = "Stop it, and write its report";
stop.addEventListener("click", () => fetch("stop", { method: "POST", headers: { "X-Loadgen": "stop" } }));
bar.append(state, stop);
document.querySelector("header").after(bar);
async function look() {
  try {
    const text = await (await fetch(location.href)).text();
    const next = new DOMParser().parseFromString(text, "text/html");
    for (const part of ["header", "main"]) document.querySelector(part).replaceWith(next.querySelector(part));
    setTimeout(look, 2000);
  } catch {
    state.textContent = "The run is over: its report is on the terminal, and where --report and --out say.";
    stop.remove();
  }
}
setTimeout(look, 2000);
