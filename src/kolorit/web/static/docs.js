// Lists what /openapi.json describes. Everything is set as text, nothing as markup.

const list = document.querySelector("#operations");
const description = await (await fetch("/openapi.json")).json().catch(() => null);
if (description) {
  document.querySelector("#about").prepend(`${description.info.description} `);
  for (const [path, operations] of Object.entries(description.paths)) {
    for (const [method, operation] of Object.entries(operations)) show(method, path, operation);
  }
} else {
  list.append("The description cannot be read.");
}

function show(method, path, operation) {
  const title = element("h2", `${operation.summary} `);
  title.append(element("code", `${method.toUpperCase()} ${path}`));
  const section = element("section", title, element("p", operation.description ?? ""));
  const given = (operation.parameters ?? []).map((one) => [one.name, range(one)]);
  const body = resolve(operation.requestBody);
  const photographs = [];
  for (const [kind, { schema }] of Object.entries(body?.content ?? {})) {
    const fields = Object.keys(resolve(schema).properties ?? {});
    if (fields.length) given.push([kind, `fields ${fields.join(", ")}`]);
    else photographs.push(kind);
  }
  if (photographs.length) given.push(["body", photographs.join(", ")]);
  if (given.length) section.append(element("h3", "Takes"), table(given));
  const answers = Object.entries(operation.responses).map(([status, one]) => [
    status,
    [one.description, ...Object.keys(one.content ?? {})].join(" · "),
  ]);
  section.append(element("h3", "Gives"), table(answers));
  list.append(section);
}

/** The values that a parameter may have, and what it is. */
function range({ schema, description = "" }) {
  const { enum: words, minimum, maximum, type } = resolve(schema);
  const values = words?.join(" | ") ?? (maximum === undefined ? type : `${minimum} to ${maximum}`);
  return [values, description].filter(Boolean).join(" · ");
}

/** What a reference stands for; anything else as it is. */
function resolve(part) {
  const steps = part?.$ref?.slice(2).split("/");
  return steps ? steps.reduce((at, name) => at[name], description) : part;
}

function table(rows) {
  const cells = rows.flatMap(([name, what]) => [
    element("dt", element("code", name)),
    element("dd", what),
  ]);
  return element("dl", ...cells);
}

function element(name, ...content) {
  const made = document.createElement(name);
  made.append(...content);
  return made;
}
