// Wires the page: which bucket is asked, the editor, the views and what they show, the link.
import { element, icon, makeCard, show } from "./card.js";
import { checks } from "./checks.js";
import { described, fill, filled, openForm } from "./describe.js";
import { listIssues, showIssue } from "./issues.js";
import { fromFragment, toFragment } from "./link.js";
import { showMatrix } from "./matrix.js";
import { openFetch, showModel } from "./onefetch.js";
import { openEditor, policyText, showFindings, write } from "./policy.js";
import { openPublic, showFont } from "./public.js";
import { ask, send } from "./server.js";
import { select, view } from "./tabs.js";
import { openUpload, sayUpload } from "./upload.js";

const PAUSE = 200; // milliseconds without a keystroke before the text is looked at
const main = document.querySelector("#checks");
const frame = document.querySelector("#other");
const doors = document.querySelectorAll("[name=door]");

const { origins, file } = (await ask("/setup")).said;
const site = { origins, frame, bucket: () => origins[door()] };
const cards = new Map(checks.map((check) => [check, makeCard(check, origins)]));
let latest = 0;
let examined = 0;
let pause;

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
  const url = `${site.bucket()}/${check.key}?id=${id}`;
  const result = await check.ask(url, {
    specimen: card.querySelector(".specimen"),
    other: { frame, origin: origins.other },
  });
  const { good, said } = await ask(`/exchanges?id=${id}`);
  if (turn !== latest) return;
  show(card, result, good ? said : []);
  if (check.name === "font") showFont(result, good ? said : []);
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

function examineSoon() {
  begin();
  pause = setTimeout(examine, PAUSE);
}

// From here on, what is found in an earlier text is no longer shown.
function begin() {
  clearTimeout(pause);
  sayUpload();
  document.body.dataset.examined = "false";
  return ++examined;
}

async function examine() {
  const turn = begin();
  const { good, said } = await send("/examine", { text: policyText(), fetch: described(site.bucket()) });
  if (turn !== examined) return;
  const found = good ? said : { refusal: said.message, fetch: { refusal: said.message } };
  showFindings(found);
  showMatrix(found);
  showModel(found.fetch, site);
  document.body.dataset.examined = "true";
}

// The state in a link. Origins of this demo go by their names, since another one may have other ports.
function state() {
  const { page, ...asked } = filled();
  const named = Object.keys(origins).find((name) => origins[name] === page) ?? page;
  return { policy: policyText(), door: door(), view: view(), asked: { ...asked, page: named } };
}

// Nothing of a link is saved, and nothing is asked by it but what the page asks anyway.
function restore() {
  const kept = fromFragment(location.hash);
  if (kept === undefined) tellLink("This link cannot be read.");
  if (!kept) return;
  doors.forEach((choice) => (choice.checked ||= choice.value === kept.door));
  fill({ ...kept.asked, page: origins[kept.asked.page] ?? kept.asked.page });
  select(kept.view);
  showIssue(kept, origins);
  write(kept.policy);
}

async function makeLink() {
  history.replaceState(null, "", toFragment(state()));
  try {
    await navigator.clipboard.writeText(location.href);
    tellLink("Copied.");
  } catch {
    tellLink("It is in the address bar."); // a browser may keep its clipboard to itself
  }
}

function tellLink(words) {
  document.querySelector("#linked").textContent = words;
}

document.querySelector("#page-origin").textContent = location.origin;
document.querySelector("#file").textContent = file;
document.querySelectorAll("[data-origin]").forEach((place) => (place.textContent = origins[place.dataset.origin]));
doors.forEach((choice) => choice.addEventListener("change", () => (runAll(), examine())));
document.querySelector("#run").addEventListener("click", runAll);
document.querySelector("#link").addEventListener("click", makeLink);
main.append(...cards.values());

const ready = new Promise((resolve) => frame.addEventListener("load", resolve, { once: true }));
frame.src = `${origins.other}/`;
openForm(origins, examineSoon);
openFetch(site, examine);
openPublic(checks[0], origins);
openUpload(site);
listIssues(origins);
await Promise.all([ready, openEditor({ changed: runAll, typed: examineSoon })]);
restore();
addEventListener("hashchange", () => (restore(), runAll()));
runAll();
