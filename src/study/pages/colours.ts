/** @file The colours of pages and reports, light and dark, with contrasts of 4.5 and more. */

export const colours = `
:root {
  color-scheme: light dark;
  --paper: #faf9f6; --raised: #fff; --ink: #1c1b19; --muted: #635f59; --line: #d9d4cb; --accent: #a63a12; --on-accent: #fff;
  --soft: #f3e3d8; --good: #2c6e49;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #141312; --raised: #1f1d1c; --ink: #edebe7; --muted: #aaa59e; --line: #3a3633; --accent: #f39a6b; --on-accent: #1c1b19;
    --soft: #3d281c; --good: #7cc69a;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 400 1.0625rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif;
}
h1, h2 { font-weight: 600; line-height: 1.25; text-wrap: balance; }
a { color: var(--accent); }
`;
