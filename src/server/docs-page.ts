/** @file The page that documents the service: made of the OpenAPI document, with nothing fetched and no script. */
import { escapeHtml } from "../render/html.ts";
import type { OpenApi, Operation, Schema } from "./openapi.ts";

export const docsStyle = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
code, pre { font: 0.875em ui-monospace, monospace; }
pre { padding: 0.75rem; overflow-x: auto; border: 1px solid #8886; border-radius: 4px; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 0.25rem 0.75rem 0.25rem 0; border-bottom: 1px solid #8884; }
h2 { margin-top: 2.5rem; } h3 { margin-top: 1.75rem; }
`;

const code = (text: string): string => `<code>${escapeHtml(text)}</code>`;

const example = `curl -F image=@photo.jpg http://localhost:8080/v1/explain
curl -F image=@photo.jpg http://localhost:8080/v1/caption
curl -F image=@photo.jpg -H 'Accept: image/png' http://localhost:8080/v1/explain -o why.png
curl -F image=@photo.jpg -F 'question={"classes":["top3"],"include":["overlay"]}' \\
  -H "Authorization: Bearer $GRADCAM_TOKEN" http://localhost:8080/v1/explain`;

export function docsPage({ info, paths, components }: OpenApi): string {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => describe(method, path, operation)),
  );
  const schemas = Object.entries(components.schemas).map(([name, schema]) => table(name, schema));
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>gradcam</title><style>${docsStyle}</style></head>
<body>
<h1>gradcam ${escapeHtml(info.version)}</h1>
<p>${escapeHtml(info.description)} <a href="openapi.json">OpenAPI</a></p>
<pre>${escapeHtml(example)}</pre>
<h2>Requests</h2>
${operations.join("\n")}
<h2>Schemas</h2>
${schemas.join("\n")}
</body>
</html>
`;
}

function describe(method: string, path: string, { summary, requestBody, responses }: Operation): string {
  const takes = requestBody ? `<p>Takes ${Object.keys(requestBody.content).map(code).join(" or ")}.</p>` : "";
  const rows = Object.entries(responses).map(
    ([status, { description, content = {} }]) =>
      `<tr><td>${code(status)}</td><td>${escapeHtml(description)}</td><td>${Object.keys(content).map(code).join(" ")}</td></tr>`,
  );
  return `<h3>${code(`${method.toUpperCase()} ${path}`)}</h3>
<p>${escapeHtml(summary)}.</p>${takes}
<table><tr><th>Status</th><th>When</th><th>Body</th></tr>${rows.join("")}</table>`;
}

function table(name: string, { description = "", properties = {}, required = [] }: Schema): string {
  const rows = Object.entries(properties).map(([key, schema]) => {
    const optional = (required as string[]).includes(key) ? "" : "optional";
    return `<tr><td>${code(key)}</td><td>${typeOf(schema)}</td><td>${optional}</td><td>${escapeHtml(schema.description ?? "")}</td></tr>`;
  });
  return `<h3 id="${escapeHtml(name)}">${escapeHtml(name)}</h3><p>${escapeHtml(description)}</p>
<table><tr><th>Name</th><th>Type</th><th></th><th></th></tr>${rows.join("")}</table>`;
}

function typeOf(schema: Schema): string {
  const {
    $ref,
    anyOf,
    enum: names,
    type,
    items,
    properties,
  } = schema as Schema & {
    readonly $ref?: string;
    readonly anyOf?: readonly Schema[];
    readonly enum?: readonly string[];
    readonly items?: Schema;
  };
  if ($ref)
    return `<a href="#${escapeHtml($ref.split("/").at(-1) ?? "")}">${escapeHtml($ref.split("/").at(-1) ?? "")}</a>`;
  if (anyOf) return anyOf.map(typeOf).join(" or ");
  if (names) return names.map((one) => code(one)).join(" ");
  if (items) return `list of ${typeOf(items)}`;
  if (properties)
    return `{ ${Object.entries(properties)
      .map(([key, value]) => `${escapeHtml(key)}: ${typeOf(value)}`)
      .join(", ")} }`;
  return escapeHtml(String(type ?? "any"));
}
