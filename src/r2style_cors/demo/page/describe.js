// One fetch, described: the form, what is sent of it, and what goes into a link.
const form = document.querySelector("#describe");
const fields = form.elements;
const SCRIPTED = { fetch: ["method", "headers", "body", "mode", "credentials"], xhr: ["method", "headers", "body", "credentials"] };
const FILES = { font: "/dots.ttf", image: "/harbour.svg", "image-anonymous": "/harbour.svg", "image-credentials": "/harbour.svg" };
const FIRST = { path: "/note.json", method: "PUT", headers: "content-type: application/json", body: '{"from": "the page"}' };

export function openForm(origins, changed) {
  fill({ ...FIRST, page: origins.page, browser: thisBrowser() });
  document.querySelector("#pages").append(...[origins.page, origins.other, "https://app.example", "null"].map(option));
  form.addEventListener("submit", (event) => event.preventDefault());
  fields.kind.addEventListener("change", suit);
  [...fields].forEach((field) => field.addEventListener("input", () => (fit(), changed())));
}

function option(text) {
  return new Option(text, text);
}

function thisBrowser() {
  const agent = navigator.userAgent;
  return agent.includes("Firefox") ? "firefox" : agent.includes("Chrom") ? "chromium" : "webkit";
}

// An element asks for a file that it can use, and scripts for any.
function suit() {
  const drawn = Object.values(FILES).includes(fields.path.value);
  if (FILES[fields.kind.value]) fields.path.value = FILES[fields.kind.value];
  else if (drawn) fields.path.value = FIRST.path;
}

function fit() {
  const chosen = SCRIPTED[fields.kind.value] ?? [];
  for (const name of SCRIPTED.fetch) fields[name].disabled = !chosen.includes(name);
}

export function fill(values) {
  for (const [name, value] of Object.entries(values)) if (name in fields) fields[name].value = value;
  fit();
}

export function filled() {
  const named = [...fields].filter(({ name }) => name);
  return Object.fromEntries(named.map(({ name, value }) => [name, value]));
}

// As the page's server and the browser are told of it.
export function described(bucket) {
  const { path, headers, ...rest } = filled();
  const lines = headers.split("\n").filter((line) => line.trim());
  return { ...rest, url: bucket + (path.startsWith("/") ? path : `/${path}`), headers: lines.map(pair) };
}

function pair(line) {
  const colon = line.includes(":") ? line.indexOf(":") : line.length;
  return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
}
