// The seven things that the page asks for. `ask` makes the request and says whether the browser let the page read it.
import { attempt } from "./frame/attempt.js";

const FAMILY = "R2style Dots";
const sheet = new CSSStyleSheet();
document.adoptedStyleSheets.push(sheet);

// A font is always asked for with CORS (CSS Fonts, section 4.9), wherever its @font-face stands.
async function font(url) {
  sheet.replaceSync(`@font-face { font-family: "${FAMILY}"; src: url("${url}"); }`);
  try {
    await document.fonts.load(`1rem "${FAMILY}"`);
  } catch {
    return { read: false };
  }
  return { read: true };
}

async function image(url, { specimen }) {
  const picture = specimen.querySelector("img");
  picture.src = url;
  try {
    await picture.decode();
  } catch {
    picture.removeAttribute("src");
    return { read: false };
  }
  return { read: true };
}

export function fromOtherOrigin(described, { frame, origin }) {
  const { port1, port2 } = new MessageChannel();
  frame.contentWindow.postMessage(described, origin, [port2]);
  return new Promise((resolve) => {
    port1.onmessage = ({ data }) => {
      port1.close();
      resolve(data);
    };
  });
}

export const checks = [
  {
    name: "font",
    title: "A font",
    about: () => "Browsers always fetch fonts under CORS. Where this one is granted, the line below is set in it.",
    key: "dots.ttf",
    ask: font,
  },
  {
    name: "image",
    title: "An image",
    about: () => "An <img> with the crossorigin attribute shows nothing without a grant.",
    key: "harbour.svg",
    ask: image,
  },
  {
    name: "get",
    title: "A GET",
    about: () => "Method and headers are CORS-safelisted, so the browser sends the request without a preflight.",
    key: "data.json",
    ask: (url) => attempt({ url }),
    tip: () => "Take ETag out of ExposeHeaders: the page then reads the file, but no longer its ETag.",
  },
  {
    name: "put",
    title: "A PUT",
    about: () => "The method and a content type of application/json both need a preflight.",
    key: "note.json",
    ask: (url) =>
      attempt({ url, method: "PUT", headers: { "content-type": "application/json" }, body: '{"from": "the page"}' }),
    tip: () => "Take content-type out of AllowedHeaders: the browser then never sends the PUT.",
  },
  {
    name: "origin",
    title: "The same GET from another origin",
    about: ({ other }) => `It is sent by a frame on ${other}. Another port is another origin.`,
    key: "data.json",
    ask: (url, { other }) => fromOtherOrigin({ url }, other),
    tip: ({ other }) => `Add "${other}" to AllowedOrigins.`,
  },
  {
    name: "method",
    title: "A DELETE",
    about: () => "A method that the starter policy does not list.",
    key: "scratch.txt",
    ask: (url) => attempt({ url, method: "DELETE" }),
    tip: () => 'Add "DELETE" to AllowedMethods.',
  },
  {
    name: "header",
    title: "A GET with a header of its own",
    about: () => "It carries x-team: blue, which the starter policy does not list, so it needs a preflight.",
    key: "hello.txt",
    ask: (url) => attempt({ url, headers: { "x-team": "blue" } }),
    tip: () => 'Add "x-team" to AllowedHeaders.',
  },
];
