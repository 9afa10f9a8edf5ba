/** @file How a report looks: quiet, from a phone to a wide screen, by day, by night and on paper; and its one interaction. */

/** @param colours of the methods, in order. */
export const style = (colours: readonly string[]): string => `
:root { color-scheme: light dark; --ink: #1b1b1a; --quiet: #6b6a66; --line: #e4e2dc; --paper: #fdfdfb; --mark: #c8452c; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e6e1; --quiet: #9a978f; --line: #33322f; --paper: #181817; --mark: #ff8a70; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0 auto; max-width: 62rem; padding: clamp(1.25rem, 5vw, 4rem) clamp(1rem, 4vw, 2.5rem); background: var(--paper); color: var(--ink);
  font: 1rem/1.55 ui-sans-serif, system-ui, -apple-system, "Segoe UI", sans-serif; font-variant-numeric: tabular-nums; }
h1, h2 { font-family: ui-serif, "Iowan Old Style", Palatino, Georgia, serif; font-weight: 500; line-height: 1.15; letter-spacing: -0.01em; text-wrap: balance; }
h1 { font-size: clamp(1.8rem, 5vw, 2.9rem); margin: 0.2em 0 0.7em; overflow-wrap: anywhere; }
h1 span { color: var(--quiet); font-style: italic; }
h2 { font-size: 1.55rem; margin: 0 0 0.3em; }
h3 { font-size: 0.95rem; font-weight: 600; margin: 1.6em 0 0.5em; }
.over, .quiet, small, figcaption, nav, dt { color: var(--quiet); }
.over { margin: 0; font-size: 0.9rem; }
.lead { max-width: 40rem; margin: 0 0 1.2rem; color: var(--quiet); text-wrap: pretty; }
.lead em { white-space: nowrap; }
section { padding-top: 2rem; margin-top: 3rem; border-top: 1px solid var(--line); scroll-margin-top: 1rem; }
nav { display: flex; flex-wrap: wrap; gap: 0.3rem 1.2rem; font-size: 0.9rem; margin-top: 2rem; }
a { color: inherit; text-underline-offset: 0.2em; text-decoration-color: var(--line); }
a:hover { text-decoration-color: currentColor; }
.facts { display: flex; flex-wrap: wrap; gap: 1rem 2.5rem; margin: 0; }
.facts div { display: flex; flex-direction: column-reverse; }
.facts dd { margin: 0; font-size: 1.4rem; line-height: 1.2; }
.facts dt { font-size: 0.85rem; }
.plot { overflow-x: auto; margin: 0 0 1rem; }
.plot svg { display: block; max-width: 100%; height: auto; background: none; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 0.92rem; }
th, td { padding: 0.45rem 0 0.45rem 1.5rem; text-align: right; vertical-align: baseline; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
th { font-weight: 400; }
thead th { color: var(--quiet); font-size: 0.85rem; }
td small { display: block; font-size: 0.78rem; line-height: 1.3; }
.name { text-align: left; }
.apart td:last-child { font-weight: 600; }
.apart small { font-weight: 400; }
.key { display: inline-block; width: 0.6rem; height: 0.6rem; border-radius: 50%; margin-right: 0.6rem; }
${colours.map((colour, i) => `.k${i} { background: ${colour}; }`).join("\n")}
details { margin-top: 1.2rem; }
summary { cursor: pointer; color: var(--quiet); font-size: 0.92rem; padding: 0.3rem 0; width: fit-content; }
summary:hover { color: var(--ink); }
:focus-visible { outline: 2px solid currentColor; outline-offset: 3px; border-radius: 2px; }
.example { display: grid; grid-template-columns: repeat(auto-fit, minmax(7.5rem, 10.8rem)); gap: 0.6rem 0.8rem; margin-bottom: 1.4rem; }
figure { margin: 0; min-width: 0; }
.picture, .blank { display: block; position: relative; line-height: 0; }
.picture img { width: 100%; border-radius: 3px; }
.picture svg { position: absolute; inset: 0; width: 100%; height: 100%; }
.picture rect { fill: none; stroke: #fff; stroke-width: 2; vector-effect: non-scaling-stroke; filter: drop-shadow(0 0 1px #000); }
.blank { display: grid; place-items: center; aspect-ratio: 4 / 3; line-height: 1.4; background: var(--line); border-radius: 3px; color: var(--quiet); font-size: 0.8rem; }
figcaption { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 0.6rem; font-size: 0.8rem; line-height: 1.35; margin-top: 0.3rem; }
figcaption b { font-weight: 500; color: var(--ink); }
figcaption small { flex-basis: 100%; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
select { font: inherit; color: inherit; background: transparent; border: 1px solid var(--line); border-radius: 4px; padding: 0.3rem 0.5rem; max-width: 100%; }
option { color: #000; background: #fff; }
.pairs { display: grid; grid-template-columns: minmax(7rem, max-content) 1fr; gap: 0.4rem 1.5rem; font-size: 0.92rem; }
.pairs dd { margin: 0; overflow-wrap: anywhere; }
ul { padding-left: 1.1rem; font-size: 0.92rem; overflow-wrap: anywhere; }
[hidden] { display: none !important; }
@media (max-width: 34rem) { .pairs { grid-template-columns: 1fr; gap: 0; } .pairs dd { margin-bottom: 0.7rem; } th, td { padding-left: 1rem; } }
@media print {
  :root { color-scheme: light; --ink: #000; --quiet: #555; --line: #ccc; --paper: #fff; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  nav, .filter { display: none; }
  section { break-inside: auto; margin-top: 1.5rem; padding-top: 1rem; }
  .example, tr, .plot { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
}
`;

/** Shows one class alone; all of a report's details are open on paper. */
export const script = `
const chosen = document.getElementById("class");
chosen.addEventListener("change", () => {
  for (const one of document.querySelectorAll("[data-class]")) one.hidden = chosen.value !== "" && one.dataset.class !== chosen.value;
});
addEventListener("beforeprint", () => { for (const one of document.querySelectorAll("details")) one.open = true; });
`;
