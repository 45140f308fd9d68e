// Wires the page: which bucket is asked, the seven checks, the overview of their verdicts, the editor.
import { element, icon, makeCard, show } from "./card.js";
import { checks } from "./checks.js";
import { openEditor } from "./policy.js";

const main = document.querySelector("#checks");
const frame = document.querySelector("#other");
const doors = document.querySelectorAll("[name=door]");

const { origins, file } = await (await fetch("/setup")).json();
const cards = new Map(checks.map((check) => [check, makeCard(check, origins)]));
let latest = 0;

function door() {
  return [...doors].find(({ checked }) => checked).value;
}

async function runAll() {
  const turn = ++latest;
  main.dataset.state = "running";
  await Promise.all(checks.map((check) => runOne(check, turn)));
  if (turn !== latest) return; // another run began meanwhile, and has the last word
  summarise();
  main.dataset.door = door();
  main.dataset.run = turn;
  main.dataset.state = "done";
}

async function runOne(check, turn) {
  const card = cards.get(check);
  const id = `${turn}-${Math.random().toString(36).slice(2)}`; // new for each run, so that no cache answers
  const url = `${origins[door()]}/${check.key}?id=${id}`;
  const result = await check.ask(url, {
    specimen: card.querySelector(".specimen"),
    other: { frame, origin: origins.other },
  });
  const exchanges = await fetch(`/exchanges?id=${id}`).then((answer) => answer.json(), () => []);
  if (turn === latest) show(card, result, exchanges);
}

function summarise() {
  const verdicts = [...cards.values()].map(({ dataset }) => dataset.verdict);
  const count = (wanted) => verdicts.filter((verdict) => verdict === wanted).length;
  const parts = [`${count("granted")} granted`, `${count("refused")} refused`];
  if (count("unknown")) parts.push(`${count("unknown")} without an answer`);
  document.querySelector("#tally").textContent = `${door().toUpperCase()} bucket: ${parts.join(", ")}`;
  document.querySelector("#overview").replaceChildren(...[...cards].map(overviewItem));
}

function overviewItem([check, { dataset }]) {
  const link = element("a");
  link.href = `#${check.name}`;
  link.dataset.verdict = dataset.verdict;
  link.append(icon(dataset.verdict), check.title, element("span", `: ${dataset.verdict}`, "unseen"));
  const item = element("li");
  item.append(link);
  return item;
}

document.querySelector("#page-origin").textContent = location.origin;
document.querySelector("#file").textContent = file;
document.querySelectorAll("[data-origin]").forEach((place) => (place.textContent = origins[place.dataset.origin]));
doors.forEach((choice) => choice.addEventListener("change", runAll));
document.querySelector("#run").addEventListener("click", runAll);
main.append(...cards.values());

const ready = new Promise((resolve) => frame.addEventListener("load", resolve, { once: true }));
frame.src = `${origins.other}/`;
await Promise.all([ready, openEditor(runAll)]);
runAll();
