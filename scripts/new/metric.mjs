/** @file What a new metric begins with: see docs/add-a-metric.md. */
import { camelCase, title } from "./words.mjs";

export const metric = {
  usage: "metric NAME",
  names: /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/,
  example: "top-k-intersection",
  begin(files, name) {
    const constant = camelCase(name);
    const registry = "src/evaluate/metrics/index.ts";
    if (files.exists(`docs/metrics/${name}.md`)) files.refuse(`the metric ${name} exists: docs/metrics/${name}.md`);
    files.create(`src/evaluate/metrics/${name}.ts`, source(name, constant));
    files.insert(registry, { before: /^import type \{ Metric \}/gm }, `import { ${constant} } from "./${name}.ts";\n`);
    files.insert(
      registry,
      { after: /^export const metrics: readonly Metric\[\] = \[\n( {2}\w+,\n)*/gm },
      `  ${constant},\n`,
    );
    files.create(`docs/metrics/${name}.md`, page(name));
    const row = `| [\`${name}\`](${name}.md) | the best class | TODO | TODO |\n`;
    files.insert("docs/metrics/README.md", { after: /^\| \[`[^`]+`\]\(.*\n/gm }, row);
  },
  next: (
    name,
  ) => `Write the figure in src/evaluate/metrics/${name}.ts, export it in src/metrics.ts, check it against another implementation in
test/evaluate/metrics.test.ts, replace every TODO, then:

  npm run format && npx vitest run test/evaluate/metrics.test.ts test/docs/metrics.test.ts`,
};

const source = (name, constant) => `/** @file TODO (authors and year): what it measures. */
import { each, type Metric } from "./metric.ts";

export const ${constant}: Metric = {
  name: "${name}",
  title: "${title(name)}",
  summary: "TODO",
  paper: "TODO, https://doi.org/TODO",
  about: "predicted",
  better: "neither",
  measure: each(({ map, blank }) => (blank ? undefined : { value: ${constant}Of(map) })),
};

/** TODO: the figure, of numbers alone. */
export function ${constant}Of(map: ArrayLike<number>): number {
  return map.length * 0;
}
`;

const page = (name) => `# ${title(name)}

\`--metric ${name}\`

## What it measures

TODO

\`\`\`math
TODO
\`\`\`

## Protocol

TODO

## Blank maps

TODO

## Source

TODO
`;
