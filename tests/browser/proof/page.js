// What a page does in each way in which a browser fetches, and what the page then sees.
"use strict";

const PATIENCE = 30000; // milliseconds

const BODIES = {
  text: () => "content",
  "search-params": () => new URLSearchParams({ a: "b" }),
  "form-data": () => { const form = new FormData(); form.append("a", "b"); return form; },
  blob: (type) => new Blob(["content"], { type }),
  bytes: () => new Uint8Array([1, 2, 3]),
  stream: () => new Blob(["content"]).stream(),
};

const bodyOf = (ask) => (ask.body ? BODIES[ask.body](ask.blob_type ?? "") : undefined);

async function byFetch(ask) {
  const { url, method, headers, mode, credentials, redirect } = ask;
  const duplex = ask.body === "stream" ? "half" : undefined;
  const response = await fetch(url, { method, headers, mode, credentials, redirect, body: bodyOf(ask), duplex });
  const outcome = response.type.startsWith("opaque") ? "opaque" : "readable";
  await response.arrayBuffer();
  return { outcome, type: response.type, status: response.status, url: response.url, headers: [...response.headers] };
}

function byXHR(ask) {
  const request = new XMLHttpRequest();
  request.open(ask.method ?? "GET", ask.url);
  request.responseType = "arraybuffer";
  request.withCredentials = ask.with_credentials ?? false;
  for (const [name, value] of ask.headers ?? []) request.setRequestHeader(name, value);
  if (ask.upload_listener) request.upload.onprogress = () => {};
  const { promise, done, failed } = settled();
  request.onload = done;
  request.onerror = failed;
  request.send(bodyOf(ask) ?? null);
  return promise.then(() => ({
    outcome: "readable", status: request.status, url: request.responseURL, headers: lines(request.getAllResponseHeaders()),
  }));
}

const lines = (text) => text.split("\r\n").filter(Boolean).map((line) => {
  const colon = line.indexOf(":");
  return [line.slice(0, colon), line.slice(colon + 2)];
});

function settled() {
  const parts = {};
  parts.promise = new Promise((done, failed) => { parts.done = done; parts.failed = failed; });
  return parts;
}

const seen = (readable) => ({ outcome: readable ? "readable" : "opaque" });
const loaded = () => ({ outcome: "loaded" });

const ELEMENTS = {
  image: ["img", "src", {}, "load", (image) => seen(canBeRead(image))],
  script: ["script", "src", {}, "load", loaded],
  module: ["script", "src", { type: "module" }, "load", loaded],
  stylesheet: ["link", "href", { rel: "stylesheet" }, "load", (link) => seen(hasRules(link))],
  video: ["video", "src", { preload: "auto", muted: true }, "loadedmetadata", loaded],
  audio: ["audio", "src", { preload: "auto", muted: true }, "loadedmetadata", loaded],
};

async function byElement(ask) {
  const [tag, address, attributes, event, look] = ELEMENTS[ask.by];
  const element = Object.assign(document.createElement(tag), attributes);
  if (ask.crossorigin) element.crossOrigin = ask.crossorigin;
  const { promise, done, failed } = settled();
  element.addEventListener(event, done);
  element.addEventListener("error", failed);
  element[address] = ask.url;
  document.head.append(element);
  await promise;
  return look(element);
}

function canBeRead(image) {
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  try { context.getImageData(0, 0, 1, 1); return true; } catch { return false; }
}

function hasRules(link) {
  try { return link.sheet.cssRules.length > 0; } catch { return false; }
}

let fonts = 0;

async function byFont(ask) {
  const family = `font${++fonts}`;
  const style = document.createElement("style");
  style.textContent = `@font-face { font-family: ${family}; src: url("${ask.url}") }`;
  document.head.append(style);
  document.documentElement.getBoundingClientRect(); // from here on the style counts
  await [...document.fonts].find((face) => face.family.replaceAll('"', "") === family).load();
  return loaded();
}

// One style at a time: WebKit gives up the fonts that are being loaded when there is another style sheet.
let lastStyle = Promise.resolve();

function inTurn(ask) {
  lastStyle = lastStyle.catch(() => {}).then(() => (ask.by === "font" ? byFont(ask) : byElement(ask)));
  return lastStyle;
}

const WAYS = { fetch: byFetch, xhr: byXHR, font: inTurn, stylesheet: inTurn };

async function asked(ask) {
  const late = sleep(PATIENCE).then(() => ({ outcome: "nothing happened" }));
  try {
    return await Promise.race([(WAYS[ask.by ?? "fetch"] ?? byElement)(ask), late]);
  } catch (error) {
    return { outcome: "blocked" };
  }
}

const sleep = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

// The fetches of one case, one after the other, and how many seconds they took, pauses left out.
async function oneCase(fetches) {
  const results = [];
  let taken = 0;
  for (const ask of fetches) {
    await sleep(1000 * (ask.pause ?? 0));
    const start = performance.now();
    results.push(await asked(ask));
    taken += (performance.now() - start) / 1000;
  }
  return { results, taken };
}

// All cases, some of them at a time.
async function all(cases, atATime) {
  const found = [];
  const waiting = cases.entries();
  const worker = async () => { for (const [index, each] of waiting) found[index] = await oneCase(each); };
  await Promise.all(Array.from({ length: atATime }, worker));
  return JSON.stringify(found);
}
