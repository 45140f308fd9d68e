// R2's own page, its third part: what often goes wrong, each as a link to a policy and a described fetch, and one to its fix.
import { element, prose } from "./card.js";
import { toFragment } from "./link.js";
import { select } from "./tabs.js";

const box = document.querySelector("#issue");
const WORDS = { fault: "The fault", fix: "The fix" };
const GET = { page: "page", kind: "fetch", path: "/data.json", method: "GET", headers: "", body: "", mode: "cors", credentials: "same-origin" };
const JSON_PUT = { method: "PUT", path: "/note.json", headers: "content-type: application/json", body: "{}" };

function policy(origins, more = {}) {
  return `${JSON.stringify([{ AllowedOrigins: origins, AllowedMethods: ["GET", "HEAD"], ...more }], null, 2)}\n`;
}

// A `fix` says what of the `fault` it changes; `asked` is a GET of the page but for what it says.
const issues = ({ page, other, asgi }) => [
  {
    name: "no-origin",
    title: "A request without Origin",
    sentence: "Only a cross-origin request gets CORS headers, and what makes it one is `Origin`: a plain `<img>` sends none, nor does curl.",
    fault: { policy: policy([page]), asked: { kind: "image", path: "/harbour.svg" } },
    fix: { asked: { kind: "image-anonymous", path: "/harbour.svg" } },
  },
  {
    name: "origin-slash",
    title: "An origin with a slash or a path",
    sentence: "An origin is `scheme://host[:port]` and ends there; with a slash or a path it could never match, so such a policy is refused.",
    fault: { policy: policy([`${page}/`, "https://static.example.com/fonts/Calibri.woff2"]) },
    fix: { policy: policy([page, "https://static.example.com"]) },
  },
  {
    name: "etag",
    title: "A header that is not exposed",
    sentence: "A script reads the CORS-safelisted headers, `Content-Length` among them, and those in `ExposeHeaders`: the `ETag` is sent, and withheld.",
    fault: { policy: policy([page], { AllowedMethods: ["GET", "HEAD", "PUT"], AllowedHeaders: ["content-type"] }) },
    fix: {
      policy: policy([page], { AllowedMethods: ["GET", "HEAD", "PUT"], AllowedHeaders: ["content-type"], ExposeHeaders: ["ETag"] }),
    },
  },
  {
    name: "content-type",
    title: "A content type that is not allowed",
    sentence: "No plain form can send `application/json`, so the browser asks first whether the page may set `content-type`.",
    fault: { policy: policy([page], { AllowedMethods: ["GET", "HEAD", "PUT"] }), asked: JSON_PUT },
    fix: { policy: policy([page], { AllowedMethods: ["GET", "HEAD", "PUT"], AllowedHeaders: ["content-type"] }) },
  },
  {
    name: "http-https",
    title: "http is not https",
    sentence: "Scheme, host and port have to be those of the page’s address bar, character for character.",
    fault: { policy: policy([page.replace("http:", "https:")]) },
    fix: { policy: policy([page]) },
  },
  {
    name: "server-origin",
    title: "AllowedOrigins names the bucket",
    sentence: "`AllowedOrigins` is where the page comes from; the address of the bucket does not belong there.",
    fault: { policy: policy([asgi]) },
    fix: { policy: policy([page]) },
  },
  {
    name: "port-wildcard",
    title: "A wildcard for the port",
    sentence: "A `*` stands for a part of a host, and never for a port: list the ports.",
    fault: { policy: policy(["http://localhost:*"]) },
    fix: { policy: policy([page, other]) },
  },
  {
    name: "wildcard-apex",
    title: "A wildcard that leaves out the domain itself",
    sentence: "`https://*.example.com` matches every name below `example.com`, and not `https://example.com`, which has no dot before it.",
    fault: { policy: policy(["https://*.example.com"]), asked: { page: "https://example.com" } },
    fix: { policy: policy(["https://example.com", "https://*.example.com"]) },
  },
  {
    name: "null-origin",
    title: "The origin is null",
    sentence: "A page from a file or in a sandboxed frame has no origin to list, and R2 refuses `null`: serve the page by HTTP.",
    fault: { policy: policy([page]), asked: { page: "null" } },
    fix: { asked: { page: "page" } },
  },
  {
    name: "credentials",
    title: "Cookies and a wildcard",
    sentence: "With `credentials: \"include\"` a `*` counts for nothing; public files need no cookies, so leave them out.",
    fault: { policy: policy(["*"]), asked: { credentials: "include" } },
    fix: { asked: { credentials: "omit" } },
  },
  {
    name: "font",
    title: "A font is withheld",
    sentence: "Images and scripts of other origins are shown without leave, and a font is not: the page that uses it has to be listed.",
    fault: { policy: policy(["https://www.example.com"]), asked: { kind: "font", path: "/dots.ttf" } },
    fix: { policy: policy(["https://www.example.com", page]) },
  },
  {
    name: "no-cors",
    title: "The answer is empty with no-cors",
    sentence: "`no-cors` does not ask the browser to leave CORS out; it says that the page can do without reading the response.",
    fault: { policy: policy(["https://www.example.com"]), asked: { mode: "no-cors" } },
    fix: { policy: policy(["https://www.example.com", page]), asked: { mode: "cors" } },
  },
  {
    name: "patch",
    title: "PATCH is not allowed",
    sentence: "R2 and S3 know no `PATCH`, so no policy can name it: use `PUT`, or have the application add it by `extra_methods`.",
    fault: {
      policy: policy([page], { AllowedMethods: ["GET", "HEAD", "PUT"], AllowedHeaders: ["content-type"] }),
      asked: { ...JSON_PUT, method: "PATCH" },
    },
    fix: { asked: { method: "PUT" } },
  },
];

export function listIssues(origins) {
  document.querySelector("#issues").append(...issues(origins).map(issueItem));
}

function issueItem(issue) {
  const item = element("li");
  item.append(element("h3", issue.title), prose(issue.sentence), links(issue));
  return item;
}

function links(issue, shown) {
  const row = element("p", "", "links");
  row.append(...Object.keys(WORDS).map((which) => issueLink(issue, which, shown)));
  return row;
}

function issueLink(issue, which, shown) {
  const link = element("a", WORDS[which]);
  link.append(element("span", `: ${issue.title}`, "unseen"));
  link.href = toFragment(stateOf(issue, which));
  if (which === shown) link.ariaCurrent = "true";
  link.addEventListener("click", () => location.hash === link.hash && dispatchEvent(new Event("hashchange")));
  return link;
}

function stateOf({ name, fault, fix }, which) {
  const { policy: text, asked } = which === "fix" ? { ...fault, ...fix, asked: { ...fault.asked, ...fix.asked } } : fault;
  return { policy: text, view: "tab-fetch", asked: { ...GET, ...asked }, issue: name, which };
}

// Beside what model and browser say of it.
export function showIssue({ issue: name, which }, origins) {
  const issue = issues(origins).find((one) => one.name === name);
  box.hidden = !issue;
  if (!issue) return;
  const back = element("button", "All issues", "quiet small");
  back.type = "button";
  back.addEventListener("click", () => select("tab-r2").focus());
  const title = element("div", "", "title");
  title.append(element("h2", issue.title), back);
  box.replaceChildren(title, prose(issue.sentence, "p", "about"), links(issue, which));
  box.focus();
}
