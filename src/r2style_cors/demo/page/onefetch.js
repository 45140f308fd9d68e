// One fetch, by the model and by this browser, and whether the two agree.
import { element, showExchange } from "./card.js";
import { fromOtherOrigin } from "./checks.js";
import { described } from "./describe.js";
import { attempt } from "./frame/attempt.js";
import { isSaved, save } from "./policy.js";
import { ask } from "./server.js";
import { asRecorded, modelled, outcome } from "./verdict.js";

const model = document.querySelector("#model .said");
const real = document.querySelector("#real .said");
const button = document.querySelector("#ask");
const whyNot = document.querySelector("#why-not");

let said = null; // what the model says now
let asking = () => {}; // asks the model again, and ends when it has answered

export function openFetch(site, examineNow) {
  asking = examineNow;
  button.addEventListener("click", () => really(site));
}

// What the model says of the text and the description as they stand; null where the text is no policy.
export function showModel(found, site) {
  said = found?.outcome ? found : null;
  model.replaceChildren(...(said ? modelled(said) : [element("p", found?.refusal ?? "This is no policy yet.", "about")]));
  if (real.hasChildNodes()) real.dataset.stale = "true";
  const reason = reasonNot(site);
  button.disabled = !said || reason !== "";
  button.textContent = isSaved() ? "Ask with this browser" : "Save the policy, and ask";
  whyNot.textContent = reason || (real.dataset.stale === "true" ? "Something has changed since this browser was asked." : "");
}

function reasonNot({ origins, bucket }) {
  const { page, kind } = described(bucket());
  if (kind === "module") return "Only the model is asked: this page lets no script in from a bucket.";
  if (page === origins.page || page === origins.other) return "";
  return `Only the model is asked: this browser can ask from ${origins.page}, and from a frame on ${origins.other}.`;
}

async function really(site) {
  button.disabled = true;
  if (isSaved() || (await save())) await compare(site);
  button.disabled = false;
}

async function compare({ origins, frame, bucket }) {
  await asking();
  const asked = described(bucket());
  const id = `real-${Math.random().toString(36).slice(2)}`; // new for each run, so that no cache answers
  const sent = { ...asked, url: `${asked.url}${asked.url.includes("?") ? "&" : "?"}id=${id}` };
  const seen = await (asked.page === origins.page ? attempt(sent) : fromOtherOrigin(sent, { frame, origin: origins.other }));
  const { good, said: exchanges } = await ask(`/exchanges?id=${id}`);
  delete real.dataset.stale;
  whyNot.textContent = "";
  const known = good ? exchanges : [];
  real.replaceChildren(outcome(seen, known), ...known.map(showExchange), ...message(seen), agreement(seen, known, asked.kind));
}

function message({ message: words }) {
  return words ? [element("h3", "What the page is told"), element("pre", words, "console")] : [];
}

function agreement(seen, exchanges, kind) {
  const differences = differing(seen, exchanges, kind);
  const shown = element("p", differences.length ? "" : "The model and this browser agree.", "agreement");
  shown.dataset.agrees = String(!differences.length);
  if (differences.length) shown.append(`The model said otherwise: ${differences.join("; ")}.`);
  return shown;
}

function differing(seen, exchanges, kind) {
  const wire = (all) => all.map(({ method, status }) => `${method} → ${status}`).join(", ") || "nothing sent";
  const names = ({ headers }) => (headers ?? []).map(([name]) => name.toLowerCase()).sort().join(", ") || "no header";
  const pairs = [
    [wire(said.exchanges.map(asRecorded)), wire(exchanges)],
    [said.outcome, seen.outcome],
  ];
  if (kind === "fetch" || kind === "xhr") pairs.push([names(said), names(seen)]);
  return pairs.filter(([one, other]) => one !== other).map(([one, other]) => `${one}, and not ${other}`);
}
