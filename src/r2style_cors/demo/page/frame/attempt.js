// One request, as it is described, and what the browser lets its page know of the answer.
const KINDS = { fetch: byFetch, xhr: byXhr, font: byFont };

export async function attempt({ kind = "fetch", ...described }) {
  try {
    const seen = await (KINDS[kind] ?? byImage(kind))(described);
    return { ...seen, read: seen.outcome === "readable" };
  } catch (error) {
    return { read: false, outcome: "blocked", message: String(error) }; // whoever may not read, may not know why
  }
}

async function byFetch({ url, method, headers, body, mode = "cors", credentials = "omit" }) {
  const response = await fetch(url, { method, headers, body: body || undefined, mode, credentials });
  const { status, type } = response;
  const text = (await response.text()).slice(0, 200);
  const outcome = type === "opaque" ? "opaque" : "readable";
  return { outcome, type, status, headers: [...response.headers], etag: response.headers.get("etag"), text };
}

function byXhr({ url, method, headers, body, credentials, progress }) {
  const request = new XMLHttpRequest();
  if (progress) request.upload.addEventListener("progress", ({ loaded, total }) => progress(loaded / total));
  request.open(method, url);
  request.withCredentials = credentials === "include";
  headers.forEach(([name, value]) => request.setRequestHeader(name, value));
  return new Promise((resolve, reject) => {
    request.addEventListener("error", () => reject(new Error("XMLHttpRequest: error")));
    request.addEventListener("load", () => resolve(loaded(request)));
    request.send(body || null);
  });
}

function loaded(request) {
  const lines = request.getAllResponseHeaders().split("\r\n").filter(Boolean);
  const headers = lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]);
  return { outcome: "readable", type: "cors", status: request.status, headers, text: request.responseText.slice(0, 200) };
}

async function byFont({ url }) {
  await new FontFace("R2style Attempt", `url("${url}")`).load();
  return { outcome: "readable" };
}

function byImage(kind) {
  const attribute = { "image-anonymous": "anonymous", "image-credentials": "use-credentials" }[kind] ?? null;
  return async ({ url }) => {
    const picture = new Image();
    picture.crossOrigin = attribute;
    picture.src = url;
    await picture.decode();
    return { outcome: attribute ? "readable" : "opaque" };
  };
}
