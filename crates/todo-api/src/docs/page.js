// The page: contents, operations, answers, filter.

function badge(method) {
  return el("span", { class: `method ${method}` }, method.toUpperCase());
}

function example(content) {
  if ("example" in content) return [["", content.example]];
  return Object.entries(content.examples ?? {});
}

/** What an operation can answer, status by status. */
function answersOf(api, operation) {
  return Object.entries(operation.responses).map(([status, response]) => {
    response = resolve(api, response);
    const headers = Object.entries(response.headers ?? {}).map(([name, header]) =>
      el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, ...inline(resolve(api, header).description ?? ""))));
    const contents = Object.entries(response.content ?? {}).flatMap(([type, content]) => [
      el("h3", {}, type),
      ...example(content).map(([, value]) => {
        const one = resolve(api, value);
        return el("pre", {}, JSON.stringify(one?.value ?? one, null, 2));
      }),
    ]);
    return el("details", { class: "answer" },
      el("summary", {}, el("strong", {}, status), " ", ...inline(response.description)),
      headers.length ? el("table", {}, el("tbody", {}, ...headers)) : undefined, ...contents);
  });
}

/** Fields of a body with their limits. */
function fieldsOf(api, operation) {
  const [content] = Object.values(operation.requestBody?.content ?? {});
  const schema = resolve(api, content?.schema);
  if (!schema?.properties) return [];
  const rows = Object.entries(schema.properties).map(([name, property]) =>
    el("tr", {}, el("th", { scope: "row" }, name, schema.required?.includes(name) ? " (required)" : ""), el("td", {}, limits(api, property))));
  return [el("h3", {}, "Fields"), el("p", { class: "soft" }, ...inline(schema.description ?? "")), el("table", {}, el("tbody", {}, ...rows))];
}

function inside(api, operation) {
  const { elements, request } = form(api, operation);
  const answer = el("div", { "aria-live": "polite", class: "response" });
  const command = el("pre", { hidden: true, tabindex: "0" });
  const tryIt = el("form", { onsubmit: (event) => { event.preventDefault(); send(request(), answer); } },
    ...elements,
    el("div", { class: "actions" },
      el("button", { class: "send", type: "submit" }, "Send"),
      el("button", { type: "button", onclick: () => { command.textContent = curl(request()); command.hidden = false; } }, "As curl")),
    command, answer);
  return el("div", { class: "inside" },
    el("div", {}, ...prose(operation.description), el("h3", {}, "Try it"), tryIt),
    el("div", {}, ...fieldsOf(api, operation), el("h3", {}, "Answers"), ...answersOf(api, operation)));
}

/** One operation, whose inside is made when it is opened first. */
function article(api, operation) {
  const details = el("details", { class: "operation", id: operation.operationId },
    el("summary", {}, badge(operation.method), el("span", { class: "path" }, operation.path), el("span", { class: "words" }, operation.summary)));
  details.addEventListener("toggle", () => {
    if (details.open && details.childElementCount === 1) details.append(inside(api, operation));
  });
  return details;
}

/** Opens the operation that the address names, also one that the filter hides. */
function openNamed(all) {
  const named = document.getElementById(location.hash.slice(1));
  if (named?.tagName === "DETAILS") {
    if (named.hidden) {
      document.getElementById("filter").value = "";
      filterBy(all, "");
    }
    named.open = true;
    named.scrollIntoView();
    named.firstElementChild.focus({ preventScroll: true });
  }
}

/** Shows the operations whose method, path, summary, parameters or statuses have every word of the filter. */
function filterBy(all, text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  for (const { operation, article: shown, link } of all) {
    const what = [operation.method, operation.path, operation.summary, ...operation.parameters.map((one) => one.name),
      ...Object.keys(operation.responses)].join(" ").toLowerCase();
    shown.hidden = link.hidden = !words.every((word) => what.includes(word));
  }
}

function show(api) {
  document.title = `${api.info.title}: API`;
  document.getElementById("title").textContent = `${api.info.title} ${api.info.version}`;
  const about = [el("p", {}, el("a", { href: "openapi.json" }, "openapi.json"), ` (OpenAPI ${api.openapi}) of ${BASE.href}`)];
  const more = el("details", {}, el("summary", {}, api.info.summary ?? "About"), ...prose(api.info.description));
  document.getElementById("about").replaceWith(...about, more);
  const [contents, main] = [document.getElementById("contents"), document.getElementById("operations")];
  const all = [];
  for (const tag of api.tags) {
    main.append(el("h2", {}, tag.description ?? tag.name));
    contents.append(el("h2", {}, tag.name));
    for (const operation of operations(api).filter((one) => one.tag === tag.name)) {
      const shown = article(api, operation);
      const link = el("a", { href: `#${operation.operationId}` }, badge(operation.method), el("span", {}, operation.path));
      main.append(shown);
      contents.append(link);
      all.push({ operation, article: shown, link });
    }
  }
  const filter = document.getElementById("filter");
  filter.addEventListener("input", () => filterBy(all, filter.value));
  document.addEventListener("keydown", (event) => {
    const isTyping = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
    if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      filter.focus();
    }
  });
  addEventListener("hashchange", () => openNamed(all));
  openNamed(all);
}

fetch(new URL("openapi.json", BASE))
  .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(`${answer.status} ${answer.statusText}`))))
  .then(show)
  .catch((error) => {
    document.getElementById("about").replaceWith(el("p", { class: "failure" }, `openapi.json cannot be read: ${error.message}`));
  });
