// The matrix: a row for each origin, a column for each method, and in a cell what the rules give.
import { element } from "./card.js";

const place = document.querySelector("#matrix .scroll");

export function showMatrix({ matrix, refusal = "This is no policy yet: see what is wrong with it." }) {
  place.replaceChildren(matrix ? table(matrix) : element("p", refusal, "about"));
}

function table({ methods, rows }) {
  const made = element("table");
  const head = element("tr");
  head.append(element("th", "Origin"), ...methods.map((method) => element("th", method)));
  [...head.cells].forEach((cell) => (cell.scope = "col"));
  made.createTHead().append(head);
  made.createTBody().append(...rows.map(row));
  return made;
}

function row({ origin, kind, cells }) {
  const made = element("tr");
  const name = element("th");
  name.scope = "row";
  name.append(kind === "unlisted" ? element("em", origin) : element("code", origin));
  made.append(name, ...cells.map(cell));
  return made;
}

function cell({ grants }) {
  const made = element("td");
  made.dataset.granted = String(grants.length > 0);
  if (!grants.length) made.append(element("span", "no"));
  made.append(...grants.map((grant) => element("span", words(grant))));
  return made;
}

function words({ rule, headers, names }) {
  const what = { none: "no header", named: names.join(", "), all: "any header" };
  return `rule ${rule}: ${what[headers]}`;
}
