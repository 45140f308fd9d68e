// One request, and what the browser lets its page read of the answer.
export async function attempt(url, options) {
  try {
    const response = await fetch(url, { ...options, mode: "cors", credentials: "omit" });
    const text = await response.text();
    return { read: true, status: response.status, etag: response.headers.get("etag"), text: text.slice(0, 200) };
  } catch {
    return { read: false }; // the browser says no more than this: whoever may not read, may not know why
  }
}
