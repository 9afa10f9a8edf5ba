/** @file The style of the participants' pages: one column, the picture in the middle, answers within reach of a thumb. */
import { colours } from "./colours.ts";

export const style = `${colours}
main { max-width: 44rem; margin: 0 auto; padding: 1rem 1rem 2.5rem; }
main.text { padding-top: clamp(1rem, 6vh, 4rem); }
h1 { font-size: 1.75rem; margin: 0 0 1rem; }
.question h1 { font-size: clamp(1.15rem, 1rem + 1vw, 1.45rem); margin: 0.75rem 0; text-align: center; }
p { margin: 0 0 1rem; }
.quiet { color: var(--muted); font-size: 0.9375rem; }
.progress { display: flex; gap: 0.75rem; align-items: center; color: var(--muted); font-size: 0.9375rem; }
.progress span { white-space: nowrap; }
progress { flex: 1; height: 0.375rem; border: 0; border-radius: 1rem; background: var(--line); appearance: none; overflow: hidden; }
progress::-webkit-progress-bar { background: var(--line); }
progress::-webkit-progress-value { background: var(--accent); }
progress::-moz-progress-bar { background: var(--accent); }
.pictures { display: flex; flex-wrap: wrap; justify-content: center; gap: 0.75rem; margin: 0 0 1rem; }
.pictures figure { margin: 0; flex: 0 1 auto; min-width: 0; text-align: center; }
.pictures img {
  display: block; width: auto; height: auto; max-width: 100%; max-height: min(52vh, 30rem); margin: 0 auto; border-radius: 0.375rem;
  background: var(--line);
}
.pictures.pair { flex-wrap: nowrap; }
.pictures.pair figure { flex: 1 1 0; }
.pictures.pair img { width: 100%; max-height: none; }
.pictures.context { margin-bottom: 0.5rem; }
.pictures.context img { max-height: min(20vh, 10rem); }
figcaption { color: var(--muted); font-size: 0.9375rem; padding-top: 0.25rem; }
.answers { display: grid; gap: 0.5rem; max-width: 30rem; margin: 0 auto; }
.answers.few { grid-template-columns: 1fr 1fr; }
button, .button {
  display: flex; align-items: center; justify-content: center; width: 100%; min-height: 3rem; padding: 0.5rem 1rem; font: inherit; line-height: 1.25; text-align: center; text-decoration: none;
  color: var(--ink); background: var(--raised); border: 1px solid var(--muted); border-radius: 0.5rem; cursor: pointer; overflow-wrap: anywhere;
  touch-action: manipulation;
}
button:hover:enabled, .button:hover { background: var(--soft); border-color: var(--accent); }
button:disabled { opacity: 0.6; cursor: progress; }
button.main, .button.main { background: var(--accent); border-color: var(--accent); color: var(--on-accent); font-weight: 600; max-width: 20rem; }
button.main:hover:enabled, .button.main:hover { filter: brightness(1.08); background: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
label.agree { display: flex; gap: 0.75rem; align-items: flex-start; margin: 1.5rem 0; cursor: pointer; }
label.agree input { flex: none; width: 1.5rem; height: 1.5rem; margin: 0; accent-color: var(--accent); }
.verdict { font-size: 1.15rem; border-left: 0.25rem solid var(--accent); padding: 0.25rem 0 0.25rem 0.75rem; }
.verdict.right { border-color: var(--good); }
.code {
  font: 600 1.75rem/1.3 ui-monospace, "Cascadia Mono", Menlo, "Liberation Mono", monospace; letter-spacing: 0.08em; overflow-wrap: anywhere;
  padding: 0.75rem 1rem; border: 1px dashed var(--muted); border-radius: 0.5rem; width: fit-content; user-select: all;
}
.foot { margin: 2rem 0 0; font-size: 0.9375rem; text-align: center; }
.foot a { color: var(--muted); display: inline-block; padding: 0.5rem; }
`;
