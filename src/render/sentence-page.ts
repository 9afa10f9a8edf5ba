/** @file A sentence as one HTML file: hovering or focusing a word shows its map. It holds its pictures and needs nothing from anywhere. */
import { dataUri } from "./png.ts";
import { escapeXml } from "./text.ts";

/** A part of the sentence with a picture of its own. */
export interface PageWord {
  readonly text: string;
  /** What is said of it below the picture. */
  readonly detail: string;
  /** The map over the picture, a PNG file; absent where there is nothing to see. */
  readonly picture?: Uint8Array;
}

export interface SentencePage {
  readonly title: string;
  /** Above the words: a question, or nothing. */
  readonly lead?: string;
  /** The whole, shown first. */
  readonly whole: PageWord;
  readonly words: readonly PageWord[];
  /** Others, apart from the row of words: one sentence rather than another. */
  readonly others: readonly PageWord[];
  /** The picture without any map. */
  readonly input: Uint8Array;
  readonly caption: string;
}

/** The page; words are buttons, so that keyboards and screen readers reach them. */
export function sentencePage({ title, lead, whole, words, others, input, caption }: SentencePage): string {
  const all = [whole, ...words, ...others];
  const button = (word: PageWord, i: number) =>
    `<button type="button" data-view="${i}"${i === 0 ? ' aria-pressed="true"' : ' aria-pressed="false"'}>${escapeXml(word.text)}</button>`;
  const views = all.map(({ picture, detail, text }, i) => {
    const uri = dataUri(picture ?? input);
    return `<figure id="view-${i}"${i ? " hidden" : ""}><img src="${uri}" alt="${escapeXml(picture ? `map of ${text}` : "the picture")}"><figcaption>${escapeXml(detail)}</figcaption></figure>`;
  });
  const others0 = 1 + words.length;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeXml(title)}</title>
<style>
:root { color-scheme: light dark; --ink: #1a1a1a; --muted: #5c5c5c; --paper: #fff; --line: #d0d0d0; --mark: #b3401f; }
@media (prefers-color-scheme: dark) { :root { --ink: #ececec; --muted: #a8a8a8; --paper: #16171a; --line: #3a3c42; --mark: #ff9d6b; } }
body { margin: 0 auto; max-width: 44rem; padding: 2rem 1.25rem; font: 1rem/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
h1 { font-size: 1rem; font-weight: 400; color: var(--muted); margin: 0 0 .25rem; }
p { margin: 0 0 1rem; }
.words { font-size: 1.5rem; line-height: 1.7; }
.small { font-size: 1rem; }
button { font: inherit; color: inherit; background: none; border: 0; border-bottom: 2px solid var(--line); padding: 0 .1em; margin: 0 .12em; cursor: pointer; }
button:hover, button:focus-visible, button[aria-pressed="true"] { border-color: var(--mark); color: var(--mark); outline: none; }
button:focus-visible { outline: 2px solid var(--mark); outline-offset: 3px; }
figure { margin: 0; }
img { display: block; width: 100%; height: auto; image-rendering: auto; }
figcaption, footer { color: var(--muted); font-size: .875rem; margin-top: .5rem; }
</style>
</head>
<body>
<h1>${escapeXml(lead ?? "Each word shows its map.")}</h1>
<p class="words">${words.map((word, i) => button(word, i + 1)).join(" ")}</p>
<p class="small">${[button(whole, 0), ...others.map((word, i) => button(word, others0 + i))].join(" ")}</p>
<main aria-live="polite">
${views.join("\n")}
</main>
<footer>${escapeXml(caption)}</footer>
<script>
const buttons = document.querySelectorAll("button");
let kept = "0";
function show(view) {
  for (const figure of document.querySelectorAll("figure")) figure.hidden = figure.id !== "view-" + view;
  for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.view === view));
}
for (const button of buttons) {
  button.addEventListener("mouseenter", () => show(button.dataset.view));
  button.addEventListener("focus", () => show(button.dataset.view));
  button.addEventListener("click", () => { kept = button.dataset.view; show(kept); });
  button.addEventListener("mouseleave", () => show(kept));
}
</script>
</body>
</html>
`;
}
