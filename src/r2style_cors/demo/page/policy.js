// The editor of the policy file. `changed` is called whenever another policy may be in force, `typed` with any new text.
import { element, prose } from "./card.js";
import { placesIn, underline } from "./marks.js";
import { ask, send } from "./server.js";

const LOOK_EVERY = 1500; // milliseconds between looks at the file
const ROWS = { least: 12, most: 26 };
const text = document.querySelector("#text");
const numbers = document.querySelector("#numbers");
const marks = document.querySelector("#marks");
const state = document.querySelector("#state");
const form = document.querySelector("#form");

let edits = ""; // the file's text that is being edited
let saved = ""; // the same with the line ends that a textarea has
let seen = ""; // the file's text when it was last looked at
let gone = ""; // why the file cannot be looked at, where it cannot
let recognised = ""; // its form, where it has one
let standing = []; // what is to be told of that text where it is not edited
let tellChanged, tellTyped;

export const policyText = () => text.value;
export const isSaved = () => text.value === saved;

export async function openEditor({ changed, typed }) {
  [tellChanged, tellTyped] = [changed, typed];
  text.addEventListener("input", edited);
  text.addEventListener("scroll", scrolled);
  text.addEventListener("keydown", saveOnKeys);
  form.addEventListener("change", rewrite);
  document.querySelector("#editor").addEventListener("submit", (event) => {
    event.preventDefault();
    save();
  });
  document.querySelector("#revert").addEventListener("click", load);
  await load();
  setInterval(() => document.hidden || look(), LOOK_EVERY);
}

async function load() {
  const { good, said } = await ask("/policy");
  if (good) take(said);
  else tell(said.message, "error");
}

async function look() {
  const { good, said } = await ask("/policy");
  if (gone !== (good ? "" : said.message)) {
    gone = good ? "" : said.message;
    tellState();
    tellTyped(); // what is found in the text is known no longer, or again
  }
  if (!good || said.text === seen) return;
  if (isSaved()) take(said);
  else {
    seen = said.text;
    tellState();
  }
  tellChanged();
}

export async function save() {
  const { good, said } = await send("/policy", { text: text.value }, "PUT");
  if (good) {
    take(said);
    tell("Saved, and in force.", "good");
    tellChanged();
  } else if (said.problems) tell("Not saved. The policy before it stays in force.", "error");
  else tell(said.message, "error");
  return good;
}

async function rewrite() {
  const { good, said } = await send("/rewrite", { text: text.value, form: form.value });
  if (!good) {
    form.value = recognised;
    return tell(`It stays in its form: ${said.message}`, "error");
  }
  write(said.text);
  if (said.dropped.length) tell(`This form has no place for ${said.dropped.join(", ")}.`, "warning");
}

// A new text that is not saved.
export function write(words) {
  text.value = words;
  edited();
}

function take(said) {
  text.value = said.text;
  saved = text.value;
  gone = "";
  edits = seen = said.text;
  standing = standingOf(said.problems);
  edited();
}

function standingOf(problems) {
  const broken = problems.find(({ severity }) => severity === "error");
  if (!broken) return ["In force.", "good"];
  const what = broken.code === "file" ? broken.message : "The file has errors.";
  return [`${what} The last good policy stays in force.`, "error"];
}

function edited() {
  const count = text.value.split("\n").length;
  text.rows = Math.min(Math.max(count + 1, ROWS.least), ROWS.most);
  numbers.textContent = Array.from({ length: count }, (_, index) => index + 1).join("\n");
  underline(marks, text.value, []);
  scrolled();
  tellState();
  tellTyped();
}

function tellState() {
  if (gone) tell(gone, "error");
  else if (seen !== edits) tell("The file changed meanwhile. “Back to the file” shows it, and drops what you typed.", "warning");
  else tell(...(isSaved() ? standing : ["Not saved yet.", ""]));
}

function scrolled() {
  numbers.scrollTop = marks.scrollTop = text.scrollTop;
  marks.scrollLeft = text.scrollLeft;
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

// What was found in the text that is in the editor now, or why nothing can be told of it.
export function showFindings({ form: found, problems = [], refusal = "Nothing to find fault with." }) {
  form.value = recognised = found ?? "";
  underline(marks, text.value, problems);
  scrolled();
  text.ariaInvalid = String(problems.some(({ severity }) => severity === "error"));
  document.querySelector("#found").textContent = problems.length ? counted(problems) : refusal;
  document.querySelector("#problems").replaceChildren(...problems.map(problemItem));
}

function counted(problems) {
  const count = (wanted) => problems.filter(({ severity }) => severity === wanted).length;
  const parts = ["error", "warning", "note"].filter(count);
  return parts.map((one) => `${count(one)} ${one}${count(one) === 1 ? "" : "s"}`).join(", ");
}

function problemItem({ severity, code, line, column, path, message, fix, why, instead }) {
  const item = element("li");
  item.dataset.severity = severity;
  item.dataset.code = code;
  const where = element("button", line ? `Line ${line}, column ${column}` : path || "The file", "where");
  where.type = "button";
  where.addEventListener("click", () => goTo(line ?? 1, column ?? 1));
  item.append(element("b", severity), where, prose(message), prose(why, "p", "reason"));
  item.append(fix ? advice(fix) : prose(instead, "p", "reason"));
  return item;
}

function advice(fix) {
  const shown = element("p", "Write ");
  shown.append(element("code", fix), " instead.");
  return shown;
}

function goTo(line, column) {
  const place = placesIn(text.value)(line, column);
  text.focus();
  text.setSelectionRange(place, place);
}
