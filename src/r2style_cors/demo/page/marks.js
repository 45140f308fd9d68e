// Underlines in a textarea: the same text lies behind it, unseen, and its marked parts have a line.
import { element } from "./card.js";

// Finds where a line and a column of a text are. Columns count characters, and a string of JavaScript counts UTF-16 units.
export function placesIn(text) {
  const rows = text.split("\n");
  const starts = [0];
  for (const row of rows) starts.push(starts.at(-1) + row.length + 1);
  return (line, column) => starts[line - 1] + [...(rows[line - 1] ?? "")].slice(0, column - 1).join("").length;
}

export function underline(layer, text, problems) {
  const parts = [];
  let end = 0;
  for (const { start, stop, severity } of ranges(text, problems)) {
    if (start < end) continue; // it stands in one that is marked already
    const marked = element("mark", text.slice(start, stop));
    marked.dataset.severity = severity;
    parts.push(text.slice(end, start), marked);
    end = stop;
  }
  layer.replaceChildren(...parts, `${text.slice(end)}\n`); // a line end at the end has its line only with something after
}

function ranges(text, problems) {
  const place = placesIn(text);
  const found = problems.map(({ line, column, end_column, severity }) => {
    const start = place(line ?? 1, column ?? 1);
    return { start, stop: Math.max(place(line ?? 1, end_column), start + 1), severity };
  });
  const rank = ({ severity }) => ["error", "warning", "note"].indexOf(severity);
  return found.sort((one, other) => one.start - other.start || rank(one) - rank(other));
}
