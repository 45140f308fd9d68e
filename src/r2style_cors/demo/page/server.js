// Asks the page's own server. A failure of any kind has a message.
const GONE = "The demo does not answer. Is it still running?";

export async function ask(path, options) {
  try {
    const answer = await fetch(path, options);
    return { good: answer.ok, said: await answer.json() };
  } catch {
    return { good: false, said: { message: GONE } };
  }
}

export function send(path, value, method = "POST") {
  return ask(path, { method, headers: { "content-type": "application/json" }, body: JSON.stringify(value) });
}
