// How one fetch is told: what came of it, each request on the wire, why the policy answered so, and what would help.
import { element, icon, prose, showExchange } from "./card.js";

const OUTCOMES = {
  readable: ["granted", "Readable", "The page can read the response."],
  opaque: ["unknown", "Opaque", "The page gets a response, and can read nothing of it."],
  blocked: ["refused", "Blocked", "The page gets no response."],
};
const isShown = ([name]) => /^(vary$|access-control-)/i.test(name);

export function outcome({ outcome: kind, status, headers = [] }, exchanges) {
  const [verdict, word, sentence] = OUTCOMES[kind];
  const unsent = kind === "blocked" && exchanges.at(-1)?.preflight;
  const box = element("div", "", "result");
  box.dataset.verdict = verdict;
  box.dataset.outcome = kind;
  const badge = element("p", "", "verdict");
  badge.append(icon(verdict), word);
  box.append(badge, element("p", unsent ? "The request itself is not sent." : sentence, "outcome"));
  if (kind === "readable" && status) box.append(seen(status, headers));
  return box;
}

function seen(status, headers) {
  const names = headers.map(([name]) => name).join(", ");
  const shown = element("p", `It sees ${status} and `, "readout");
  shown.append(names ? element("code", names) : "no header", ".");
  return shown;
}

export function modelled(said) {
  const exchanges = said.exchanges.map(asRecorded);
  return [
    outcome(said, exchanges),
    ...refusal(said.why.at(-1)),
    ...unsent(said),
    ...said.exchanges.map((exchange, at) => exchangeByModel(exchange, exchanges[at], said.why[at])),
    ...consoleSays(said.message),
    ...suggested(said.suggestion),
  ];
}

export function asRecorded({ kind, method, url, status, request_headers, response_headers }) {
  const { pathname: path } = new URL(url);
  const answered = response_headers.filter(isShown);
  return { preflight: kind === "preflight", method, path, status, asked: request_headers, answered };
}

// Why the policy refused, and what would grant it.
export const lacking = ({ why, suggestion }) => [...refusal(why.at(-1)), ...suggested(suggestion)];

// Why the policy refused the last request that was sent, in a sentence.
function refusal(why) {
  return why && !why.allowed ? [prose(why.sentence, "p", "because")] : [];
}

// What stopped it before anything was sent.
function unsent({ blocked_by: step, exchanges }) {
  const isInOne = exchanges.some(({ steps }) => steps.some(({ passed }) => !passed));
  return step && !isInOne ? [steps([step])] : [];
}

function exchangeByModel(exchange, recorded, why) {
  const shown = showExchange(recorded);
  const more = element("div", "", "reasons");
  if (exchange.why.length) more.append(element("p", `A preflight, since ${exchange.why.join("; ")}.`));
  if (why) more.append(element("h4", "The policy, rule by rule"), ruleTable(why));
  more.append(element("h4", "The browser, step by step"), steps(exchange.steps));
  shown.append(more);
  return shown;
}

function steps(taken) {
  const list = element("ul", "", "steps");
  list.append(...taken.map(stepItem));
  return list;
}

function stepItem({ section, passed, sentence }) {
  const item = element("li");
  item.dataset.passed = String(passed);
  item.append(icon(passed ? "granted" : "refused"), element("span", passed ? "passed: " : "failed: ", "unseen"));
  item.append(element("span", `${sentence} `), element("i", `Fetch ${section}`));
  return item;
}

function ruleTable({ rules, rule, allowed, sentence }) {
  if (!rules.length) return prose(sentence); // no rule was asked
  const table = element("table", "", "rules");
  const head = element("tr");
  head.append(...["Rule", "Origin", "Method", "Headers"].map((name) => heading(name, "col")));
  table.createTHead().append(head);
  table.createTBody().append(...rules.map((one) => ruleRow(one, allowed && one.index === rule)));
  return table;
}

function ruleRow({ index, id, origin, method, headers }, wins) {
  const row = element("tr");
  row.dataset.wins = String(wins);
  const names = headers.length ? headers.map(({ name, allowed }) => test(allowed, `${name} `)) : [element("span", "none asked")];
  const cell = element("td");
  cell.append(...names);
  row.append(heading(`${index}${id ? ` (${id})` : ""}${wins ? " wins" : ""}`, "row"), tested(origin), tested(method), cell);
  return row;
}

function heading(text, scope) {
  const cell = element("th", text);
  cell.scope = scope;
  return cell;
}

function tested(passed) {
  const cell = element("td");
  cell.append(test(passed));
  return cell;
}

function test(passed, before = "") {
  const shown = element("span", `${before}${passed ? "yes" : "no"}`, "test");
  shown.dataset.passed = String(passed);
  return shown;
}

function consoleSays(message) {
  return message ? [element("h3", "In the console"), element("pre", message, "console")] : [];
}

function suggested(suggestion) {
  if (!suggestion) return [];
  const parts = [element("h3", "What would grant it"), prose(suggestion.message)];
  return suggestion.fragment ? [...parts, element("pre", suggestion.fragment, "fragment")] : parts;
}
