const bar = document.createElement("p");
bar.className = "card note";
const state = document.createElement("span");
state.textContent = "The run goes on. ";
const stop = document.createElement("button");
stop.textContent = "Stop it, and write its report";
stop.addEventListener("click", () => fetch("stop", { method: "POST", headers: { "X-Loadgen": "stop" } }));
const users = document.createElement("form");
const number = document.createElement("input");
const said = document.createElement("output");
const change = document.createElement("button");
Object.assign(number, { type: "number", min: 1, required: true, size: 6, ariaLabel: "Users" });
change.textContent = "Change the number of users";
users.append(number, " ", change, " ", said);
users.addEventListener("submit", async (event) => {
  event.preventDefault();
  const answer = await fetch(`users/${number.value}`, { method: "POST", headers: { "X-Loadgen": "users" } });
  said.textContent = await answer.text();
});
bar.append(state, stop, users);
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
    users.remove();
  }
}
setTimeout(look, 2000);
