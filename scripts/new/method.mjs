/** @file What a new method begins with: see docs/add-a-method.md. */
import { camelCase, title } from "./words.mjs";

export const method = {
  usage: "method NAME",
  names: /^[a-z][a-z0-9]*(-[a-z0-9]+)*\+*$/,
  example: "layer-cam or grad-cam++",
  begin(files, name) {
    if (files.exists(`src/methods/${name}.ts`)) files.refuse(`the method ${name} exists: src/methods/${name}.ts`);
    const constant = camelCase(name);
    const registry = "src/methods/index.ts";
    files.create(`src/methods/${name}.ts`, source(name, constant));
    files.insert(registry, { before: /^import type \{ Method \}/gm }, `import { ${constant} } from "./${name}.ts";\n`);
    files.insert(registry, { after: /^const registered: [^=]*= \[[^\]]*\w(?=,?\s*\])/gm }, `, ${constant}`);
    const loader = `  ${/^\w+$/.test(name) ? name : `"${name}"`}: async () => (await import("./${name}.ts")).${constant},\n`;
    files.insert("src/methods/by-name.ts", { after: /^ {2}\S+: async \(\) => .*\n/gm }, loader);
    const row = `  ${/^\w+$/.test(name) ? name : `"${name}"`}: { signed: false, pixels: false },\n`;
    files.insert("test/methods/registry.test.ts", { after: /^ {2}\S+: \{ signed: .*\n/gm }, row);
    files.create(`docs/methods/${name}.md`, page(name));
    const index = `| [\`${name}\`](${name}.md) | a layer's grid | TODO | TODO | not tested |\n`;
    files.insert("docs/methods/README.md", { after: /^\| \[`[^`]+`\]\(.*\n/gm }, index);
    files.insert(
      "README.md",
      { after: /^\| \[`[^`]+`\]\(docs\/methods\/.*\n/gm },
      `| [\`${name}\`](docs/methods/${name}.md) | TODO |\n`,
    );
  },
  next: (
    name,
  ) => `Write the map in src/methods/${name}.ts, work one out by hand in test/methods/by-hand.test.ts, replace every TODO, then:

  npm run format && npm run build && node scripts/make-docs-pictures.mjs ${name}
  npx vitest run test/methods test/docs/methods.test.ts`,
};

const source = (name, constant) => `/**
 * @file TODO (authors and year, arXiv number or DOI, equation).
 *
 *   L = TODO
 */
import { byImage, flatGrid, layerMethod } from "./layer-map.ts";
import type { LayerMap } from "./method.ts";

/** TODO: a map [n, k, positions]. This one is Grad-CAM's sum. */
const ${constant}Map: LayerMap = (parts) => {
  const { build, da, grid } = parts;
  return build.matMul(byImage(parts, build.reduceMean(da, grid)), flatGrid(parts));
};

export const ${constant} = layerMethod(${constant}Map, {
  name: "${name}",
  title: "${title(name)}",
  summary: "TODO",
  paper: "TODO, https://doi.org/TODO",
  family: "cam",
  cost: "TODO: in forward passes",
});
`;

const page = (name) => `# ${title(name)}

TODO: the summary, as the registry has it.

![TODO: what the picture shows](../pictures/${name}.png)

With $y$ the score and $A_k$ the channels of the layer:

\`\`\`math
L = TODO
\`\`\`

## What the map means

TODO

## Use another when

TODO

## Cost

TODO

## Known failures

TODO

## Source

TODO
`;
