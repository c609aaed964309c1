// Reads the document.

/** Text with `code` in it, as elements. */
function inline(text) {
  return text.split("`").map((part, index) => (index % 2 ? el("code", {}, part) : part));
}

/** Paragraphs and lists of a description. */
function prose(text = "") {
  return text.trim().split(/\n\s*\n/).filter(Boolean).map((block) =>
    block.startsWith("- ")
      ? el("ul", {}, ...block.slice(2).split(/\n- /).map((item) => el("li", {}, ...inline(item))))
      : el("p", {}, ...inline(block)));
}

/** What a reference points to; anything else as it is. */
function resolve(api, value) {
  if (!value || !value.$ref) return value;
  const keys = value.$ref.slice(2).split("/").map((key) => key.replace(/~1/g, "/").replace(/~0/g, "~"));
  return keys.reduce((found, key) => found?.[key], api);
}

/** Every operation, those that matter first. */
function operations(api) {
  const methods = ["get", "post", "put", "patch", "delete", "head", "options"];
  const all = Object.entries(api.paths).flatMap(([path, item]) =>
    methods.filter((method) => item[method]).map((method) => {
      const operation = item[method];
      const parameters = [...(operation.parameters ?? []), ...(item.parameters ?? [])].map((one) => resolve(api, one));
      return { ...operation, path, method, parameters, tag: operation.tags?.[0] ?? "" };
    }));
  // What says nothing new comes last: heads only, what is possible, and second names of a path.
  const rank = ({ method, path }) => (method === "head" || method === "options" ? 2 : 0) + (path.endsWith("/") ? 1 : 0);
  return all.sort((a, b) => rank(a) - rank(b));
}

/** A schema's type and limits in words. */
function limits(api, schema) {
  schema = resolve(api, schema) ?? {};
  if (schema.anyOf) return schema.anyOf.map((one) => limits(api, one)).join(" or ");
  if (schema.enum || "const" in schema) return (schema.enum ?? [schema.const]).map((one) => JSON.stringify(one)).join(", ");
  const words = [[schema.type ?? "any"].flat().join(" or ")];
  const count = (min, max, what) => {
    if (max !== undefined) words.push(`${min ?? 0} to ${max.toLocaleString("en")} ${what}`.trim());
    else if (min > 1) words.push(`at least ${min} ${what}`);
  };
  count(schema.minLength, schema.maxLength, "characters");
  count(schema.minItems, schema.maxItems, "members");
  count(schema.minimum, schema.maximum, "");
  if (schema.items) words.push(`each: ${limits(api, schema.items)}`);
  return words.join(", ").trim();
}
