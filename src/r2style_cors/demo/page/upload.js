// R2's own page, its second part: an upload by a presigned URL.
import { element, prose, showExchange } from "./card.js";
import { attempt } from "./frame/attempt.js";
import { isSaved, policyText, save } from "./policy.js";
import { ask, send } from "./server.js";
import { lacking, outcome } from "./verdict.js";

const form = document.querySelector("#upload");
const fields = form.elements;
const bar = form.querySelector("progress");
const button = document.querySelector("#send");
const state = document.querySelector("#upload-state");
const place = document.querySelector("#uploaded");
const line = document.querySelector("#curl");

export function openUpload({ origins }) {
  fields.file.addEventListener("change", takeType);
  document.querySelector("#presign").addEventListener("click", presign);
  document.querySelector("#copy").addEventListener("click", copy);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    if (isSaved() || (await save())) await upload(origins);
    button.disabled = false;
  });
}

export function sayUpload() {
  button.textContent = isSaved() ? "Upload" : "Save the policy, and upload";
}

function takeType() {
  fields.type.value = chosen().type || "application/octet-stream";
}

function chosen() {
  return fields.file.files[0] ?? new File([fields.text.value], "123.txt", { type: "text/plain" });
}

// Each upload has a URL of its own, so that no preflight of an earlier one answers for it.
async function presign() {
  const { name, size } = chosen();
  const { good, said } = await send("/presign", { name, size });
  tell(good ? "" : said.message);
  if (!good) return null;
  document.querySelector("#signed").hidden = false;
  document.querySelector("#signed-url").textContent = said.url;
  line.textContent = `curl -X PUT "${said.url}" -H "Content-Type: text/plain" -d "123"`;
  return said.url;
}

async function upload(origins) {
  place.replaceChildren();
  bar.value = 0;
  const url = await presign();
  if (!url) return;
  const asked = { page: origins.page, kind: "xhr", url, method: "PUT", headers: [["content-type", fields.type.value]] };
  const seen = await attempt({ ...asked, body: chosen(), progress: (part) => (bar.value = part) });
  const id = new URL(url).searchParams.get("X-Amz-Signature");
  const [wire, model] = await Promise.all([
    ask(`/exchanges?id=${id}`),
    send("/examine", { text: policyText(), fetch: asked }),
  ]);
  if (wire.good && model.good) tellOf(seen, wire.said, model.said.fetch);
  else tell((wire.good ? model : wire).said.message);
}

function tellOf(seen, exchanges, model) {
  const why = model?.why ? [...lacking(model), ...tag(seen, model.why.at(-1))] : [];
  place.replaceChildren(outcome(seen, exchanges), ...why, ...refused(seen), ...exchanges.map(showExchange));
}

// Whoever uploads in parts needs the ETag of each.
function tag({ outcome: kind, status, headers }, why) {
  if (kind !== "readable" || status !== 200) return [];
  const [, etag] = headers.find(([name]) => name.toLowerCase() === "etag") ?? [];
  if (etag) return [prose(`The object is there, and the page reads its \`ETag\`: \`${etag}\`.`)];
  const advice = why?.allowed ? [element("h3", "What would let the page read it"), prose(`In rule ${why.rule}, add ETag to ExposeHeaders.`)] : [];
  return [prose("The object is there. Its `ETag` was sent too, and is withheld from the page."), ...advice];
}

function refused({ status, text }) {
  return status >= 400 ? [element("h3", "What the bucket says"), element("pre", text, "console")] : [];
}

async function copy() {
  try {
    await navigator.clipboard.writeText(line.textContent);
    tell("Copied.");
  } catch {
    getSelection().selectAllChildren(line); // a browser may keep its clipboard to itself
    tell("It is selected.");
  }
}

function tell(words) {
  state.textContent = words;
}
