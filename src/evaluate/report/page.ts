/** @file What every report is: one HTML file that needs nothing else. */
import { type Html, html, raw } from "../../render/html.ts";
import { style } from "./style.ts";

/**
 * The file's text.
 * @param colours of the methods, in order; none where methods are not told apart by them
 */
export const pageOf = (title: string, body: Html, colours: readonly string[] = []): string =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${raw(style(colours))}</style>
</head>
<body>
${body}
</body>
</html>
`.text;
