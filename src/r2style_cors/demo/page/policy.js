// The editor of the policy file. `changed` is called whenever another policy may be in force.
import { element } from "./card.js";

const LOOK_EVERY = 1500; // milliseconds between looks at the file
const text = document.querySelector("#text");
const numbers = document.querySelector("#numbers");
const state = document.querySelector("#state");

let saved = ""; // the file's text when it was last seen
let version = 0;

export async function openEditor(changed) {
  text.addEventListener("input", edited);
  text.addEventListener("scroll", () => (numbers.scrollTop = text.scrollTop));
  text.addEventListener("keydown", saveOnKeys);
  document.querySelector("#editor").addEventListener("submit", (event) => {
    event.preventDefault();
    save(changed);
  });
  document.querySelector("#revert").addEventListener("click", () => load());
  await load();
  setInterval(() => document.hidden || look(changed), LOOK_EVERY);
}

async function ask(options) {
  try {
    const answer = await fetch("/policy", options);
    return { good: answer.ok, said: await answer.json() };
  } catch {
    return { good: false, said: { message: "The demo does not answer. Is it still running?" } };
  }
}

async function load() {
  const { good, said } = await ask();
  if (good) take(said);
  else tell(said.message, "error");
}

async function look(changed) {
  const { good, said } = await ask();
  if (!good || said.version === version) return;
  if (text.value === saved) take(said);
  else tell("The file changed meanwhile. “Back to the file” shows it, and drops what you typed.", "warning");
  version = said.version;
  changed();
}

async function save(changed) {
  const { good, said } = await ask({
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ text: text.value }),
  });
  if (good) {
    take(said);
    tell("Saved, and in force.", "good");
    changed();
  } else if (said.problems) {
    list(said.problems);
    tell("Not saved. The policy before it stays in force.", "error");
  } else tell(said.message, "error");
}

function take(seen) {
  text.value = seen.text;
  saved = text.value; // with the line ends that a textarea has
  version = seen.version;
  edited();
  list(seen.problems);
  const broken = seen.problems.some(({ severity }) => severity === "error");
  if (broken) tell("The file has errors. The last good policy stays in force.", "error");
  else tell("In force.", "good");
}

function edited() {
  const count = text.value.split("\n").length;
  numbers.textContent = Array.from({ length: count }, (_, index) => index + 1).join("\n");
  numbers.scrollTop = text.scrollTop;
  if (text.value !== saved) tell("Not saved yet.", "");
}

function saveOnKeys(event) {
  if (event.key === "s" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    text.form.requestSubmit();
  }
}

function tell(words, kind) {
  state.textContent = words;
  state.dataset.kind = kind;
}

function list(problems) {
  document.querySelector("#problems").replaceChildren(...problems.map(problemItem));
}

function problemItem({ severity, code, line, column, path, message, fix }) {
  const item = element("li");
  item.dataset.severity = severity;
  item.dataset.code = code;
  const where = element("button", line ? `Line ${line}, column ${column}` : path || "The file", "where");
  where.type = "button";
  where.addEventListener("click", () => goTo(line ?? 1, column ?? 1));
  item.append(element("b", severity), where, prose(message));
  if (fix) {
    const advice = element("p", "Write ");
    advice.append(element("code", fix), " instead.");
    item.append(advice);
  }
  return item;
}

// A sentence whose `code` is set as code.
function prose(sentence) {
  const shown = element("p");
  shown.append(...sentence.split("`").map((part, index) => (index % 2 ? element("code", part) : part)));
  return shown;
}

function goTo(line, column) {
  const before = text.value.split("\n").slice(0, line - 1);
  const place = before.reduce((sum, row) => sum + row.length + 1, 0) + column - 1;
  text.focus();
  text.setSelectionRange(place, place);
}
