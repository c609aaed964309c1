// One call: its inputs, the request that they make, and the answer.

/** Where the service is: the folder that this page is in. */
const BASE = new URL(".", location.href);

function field(id, label, hint, input, required) {
  input.id = id;
  return el("div", { class: "field" }, el("label", { for: id }, el("code", {}, label), required ? " (required)" : ""), input,
    hint ? el("small", {}, ...inline(hint)) : undefined);
}

/** Inputs of an operation, and what they say. */
function form(api, operation) {
  const fields = operation.parameters.map((parameter) => {
    const isMany = resolve(api, parameter.schema)?.type === "array";
    const example = isMany ? (parameter.example ?? []).join("\n") : parameter.example ?? "";
    const input = isMany
      ? el("textarea", { rows: 2, spellcheck: "false" })
      : el("input", { placeholder: parameter.in === "path" ? "" : `${example}`, autocomplete: "off", spellcheck: "false" });
    if (parameter.required) input.value = example;
    const hint = `${parameter.description} (${limits(api, parameter.schema)}${isMany ? "; one a line" : ""})`;
    return { parameter, input, isMany, element: field(`${operation.operationId}-${parameter.name}`, parameter.name, hint, input, parameter.required) };
  });
  const body = bodyOf(api, operation);
  const request = () => {
    let path = operation.path.slice(1);
    const query = [], headers = {};
    for (const { parameter, input, isMany } of fields) {
      const value = input.value;
      if (value === "" && !parameter.required) continue;
      if (parameter.in === "path") path = path.replace(`{${parameter.name}}`, encodeURIComponent(value));
      else if (parameter.in === "header") headers[parameter.name] = value;
      else query.push(...(isMany ? value.split("\n").filter(Boolean) : [value]).map((one) => `${parameter.name}=${encodeURIComponent(one)}`));
    }
    if (body) headers["Content-Type"] = body.type.value;
    const url = BASE.href + path + (query.length ? `?${query.join("&")}` : "");
    return { url, method: operation.method.toUpperCase(), headers, body: body?.text.value };
  };
  const elements = [...fields.map((one) => one.element), ...(body?.elements ?? [])];
  return { elements, request };
}

function bodyOf(api, operation) {
  if (!operation.requestBody) return undefined;
  const content = operation.requestBody.content;
  const [first] = Object.values(content);
  const examples = Object.entries(first.examples ?? {}).map(([name, example]) => [name, resolve(api, example)]);
  const text = el("textarea", { spellcheck: "false" });
  const show = (value) => { text.value = JSON.stringify(value, null, 2); };
  if (examples.length) show(examples[0][1].value);
  const choice = el("select", { onchange: () => show(examples[choice.selectedIndex][1].value) },
    ...examples.map(([name, example]) => el("option", { value: name }, example.summary ?? name)));
  const type = el("select", {}, ...Object.keys(content).map((name) => el("option", {}, name)));
  const id = operation.operationId;
  return {
    type, text,
    elements: [
      field(`${id}-type`, "Content-Type", "", type),
      field(`${id}-example`, "Example", "", choice),
      field(`${id}-body`, "Body", operation.requestBody.description, text, true),
    ],
  };
}

/** The request as a command of curl. */
function curl({ url, method, headers, body }) {
  const quote = (text) => `'${text.replace(/'/g, "'\\''")}'`;
  const how = method === "GET" ? ["-i"] : method === "HEAD" ? ["-I"] : ["-i", "-X", method];
  const lines = Object.entries(headers).map(([name, value]) => `-H ${quote(`${name}: ${value}`)}`);
  return ["curl", ...how, ...lines, ...(body === undefined ? [] : ["--data-binary", quote(body)]), quote(url)].join(" ");
}

/** Sends a request, and shows what comes of it. */
async function send(request, into) {
  into.replaceChildren(el("p", { class: "soft" }, "Waiting for the answer."));
  const began = performance.now();
  try {
    const { url, ...how } = request;
    const answer = await fetch(url, how);
    const text = await answer.text();
    const took = (performance.now() - began).toFixed(1);
    const tone = answer.status < 300 ? "good" : answer.status < 400 ? "moved" : "bad";
    const headers = [...answer.headers].map(([name, value]) => el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, value)));
    into.replaceChildren(
      el("p", {}, el("span", { class: `status ${tone}` }, `${answer.status} ${answer.statusText}`), ` in ${took} ms`),
      el("table", {}, el("tbody", {}, ...headers)),
      text ? el("pre", { tabindex: "0" }, pretty(text, answer.headers.get("content-type") ?? "")) : el("p", { class: "soft" }, "No body."));
  } catch (error) {
    into.replaceChildren(el("p", { class: "status bad" }, `The call failed: ${error.message}`));
  }
}

function pretty(text, type) {
  if (!type.includes("json")) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
