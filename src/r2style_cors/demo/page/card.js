// One check on the page: a card with what was asked, what came back and what the browser made of it.

const ICONS = { granted: "M3.5 8.5 6.5 11.5 12.5 4.5", refused: "M4 4 12 12M12 4 4 12", unknown: "M8 4v5M8 11.5v.5" };
const WORDS = { granted: "Granted", refused: "Refused", unknown: "No answer" };
const ROOMY = matchMedia("(min-width: 621px)"); // on a phone the wire is folded up, and opens at a touch

export function makeCard(check, origins) {
  const card = document.querySelector("#check").content.firstElementChild.cloneNode(true);
  card.dataset.check = card.id = check.name;
  card.querySelector("h2").textContent = check.title;
  card.querySelector(".about").textContent = check.about(origins);
  const tip = card.querySelector(".tip");
  if (check.tip) {
    tip.append(element("b", "Try it"), ` ${check.tip(origins)}`);
    tip.hidden = false;
  }
  fillSpecimen(card.querySelector(".specimen"), check.fills ?? check.name);
  return card;
}

function fillSpecimen(specimen, name) {
  if (name === "font") specimen.append(element("p", "Hello from another origin", "type"));
  if (name === "image") {
    const picture = element("img");
    picture.crossOrigin = "anonymous";
    picture.alt = "A harbour at dusk: a boat, a lighthouse and the sun";
    specimen.append(picture, element("p", "The browser keeps the picture out.", "withheld"));
  }
  specimen.hidden = !specimen.hasChildNodes();
}

export function show(card, result, exchanges) {
  const verdict = result.read ? "granted" : exchanges.length ? "refused" : "unknown";
  card.dataset.verdict = verdict;
  card.dataset.expected = exchanges.length && exchanges.every(({ allowed }) => allowed) ? "granted" : "refused";
  card.querySelector(".verdict").replaceChildren(icon(verdict), WORDS[verdict]);
  card.querySelector(".outcome").replaceChildren(outcome(result, exchanges), ...readout(result));
  card.querySelector(".exchanges").replaceChildren(...exchanges.map(showExchange));
}

function outcome(result, exchanges) {
  const last = exchanges.at(-1);
  if (!last) return "No answer came back. Is the demo still running?";
  if (result.read) return `The browser let the page read it: ${last.because}.`;
  if (exchanges.every(({ allowed }) => allowed)) return `The policy grants it, but the page could not use the ${last.status}.`;
  if (last.preflight) {
    const [, method] = last.asked.find(([name]) => name.toLowerCase() === "access-control-request-method");
    return `The preflight was refused, so the browser never sent the ${method}: ${last.because}.`;
  }
  return `The server answered ${last.status}, and the browser kept the answer from the page: ${last.because}.`;
}

function readout({ read, status, etag, text }) {
  if (!read || !status) return [];
  const tag = etag ? `ETag ${etag.slice(0, 9)}…"` : "no ETag that the page may see";
  return [element("span", `The page sees ${status}, ${tag}${text ? `, and “${text.trim()}”` : ""}`, "readout")];
}

export function showExchange({ method, path, asked, status, answered, preflight }) {
  const shown = document.querySelector("#exchange").content.firstElementChild.cloneNode(true);
  shown.open = ROOMY.matches;
  shown.querySelector("h3").textContent = preflight ? "Preflight" : "Actual request";
  shown.querySelector("code").textContent = `${method} → ${status}`;
  shown.querySelector(".asked").append(...lines(`${method} ${path}`, asked));
  shown.querySelector(".answered").append(...lines(`Status ${status}`, answered));
  if (!answered.some(([name]) => name.toLowerCase() === "access-control-allow-origin")) {
    shown.querySelector(".answered").append(element("i", "no Access-Control-Allow-Origin"));
  }
  return shown;
}

function lines(first, headers) {
  const shown = headers.map(([name, value]) => {
    const line = element("span");
    line.append(element("em", `${name}: `), value);
    return line;
  });
  return [element("b", first), ...shown];
}

export function icon(verdict) {
  const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  picture.setAttribute("viewBox", "0 0 16 16");
  picture.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[verdict]);
  picture.append(path);
  return picture;
}

// A sentence whose `code` is set as code.
export function prose(sentence, name = "p", className = "") {
  const shown = element(name, "", className);
  shown.append(...sentence.split("`").map((part, index) => (index % 2 ? element("code", part) : part)));
  return shown;
}

export function element(name, text = "", className = "") {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}
