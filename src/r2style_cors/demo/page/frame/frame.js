// Asks from this frame's own origin on behalf of the page around it. `frame-ancestors` lets only the demo's page be that.
import { attempt } from "./attempt.js";

addEventListener("message", async ({ source, data, ports }) => {
  if (source !== parent || parent === window) return;
  ports[0].postMessage(await attempt(data));
});
