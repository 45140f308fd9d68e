// R2's own page, its first part: a public bucket, and a font in it.
import { makeCard, show } from "./card.js";
import { write } from "./policy.js";

const DOCUMENTED = (origin) => `[
  {
    "AllowedOrigins": [
      "${origin}"
    ],
    "AllowedMethods": [
      "GET",
    ]
  }
]
`; // with the comma that it has there
let card;

// The card of the font check stands here a second time.
export function openPublic(check, origins) {
  card = makeCard({ ...check, name: "public-font", title: "A line in a font of the bucket", fills: check.name }, origins);
  document.querySelector("#public").append(card);
  document.querySelector("#documented").addEventListener("click", () => write(DOCUMENTED(origins.page)));
}

export const showFont = (result, exchanges) => show(card, result, exchanges);
