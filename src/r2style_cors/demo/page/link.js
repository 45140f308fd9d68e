// A link that carries everything on the page in its fragment, which no browser sends to a server.
const NAME = "#state=";

export function toFragment(state) {
  const bytes = new TextEncoder().encode(JSON.stringify(state));
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return NAME + btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

// The state, all of its values texts; null where there is none, and undefined where it cannot be read.
export function fromFragment(fragment) {
  if (!fragment.startsWith(NAME)) return null;
  try {
    const binary = atob(fragment.slice(NAME.length).replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
    const state = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return isState(state) ? state : undefined;
  } catch {
    return undefined;
  }
}

function isState(state) {
  const texts = (value) => value !== null && typeof value === "object" && Object.values(value).every(isText);
  const { asked, ...rest } = state ?? {};
  return texts(rest) && isText(rest.policy) && texts(asked ?? null);
}

const isText = (value) => typeof value === "string";
