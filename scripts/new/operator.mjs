/** @file What a new operator begins with: see docs/add-an-operator.md. */

export const operator = {
  usage: "operator NAME FAMILY",
  names: /^([a-z]+(\.[a-z]+)*\.)?[A-Z]\w*$/,
  example: "Shrink or com.microsoft.Inverse",
  begin(files, name, family) {
    if (!/^[a-z]+(-[a-z]+)*$/.test(family ?? ""))
      files.refuse(`missing family: the file of src/ops that ${name} is to stand in, or a new one; such as activation`);
    const [own, ...domain] = name.split(".").reverse();
    const [rules, checks, index] = [`src/ops/${family}.ts`, `test/ops/${family}.test.ts`, "src/ops/families.ts"];
    const listed = [...files.read(index).matchAll(entry)].map(([text, names, , place]) => ({
      text,
      names,
      place,
      domain: /domain: "([^"]*)"/.exec(text)?.[1] ?? "",
    }));
    const of = domain.reverse().join(".");
    const domainOf = (place) => listed.find((one) => one.place === place)?.domain ?? "";
    for (const file of files.filesIn("src/ops"))
      if (domainOf(/([^/]*)\.ts$/.exec(file)[1]) === of && new RegExp(`export const ${own}\\b`).test(files.read(file)))
        files.refuse(`the operator ${name} exists: ${file}`);
    if (!files.exists(rules)) {
      files.create(rules, `/** @file TODO. */\nimport { elementwise } from "./op.ts";\n\n${rule(own)}`);
      const text = `  { names: "${own}", ${of ? `domain: "${of}", ` : ""}load: () => import("./${family}.ts") },\n`;
      files.insert(index, { before: /^\];/gm }, text);
    } else {
      if (domainOf(family) !== of)
        files.refuse(`${rules} holds operators of ${domainOf(family) || "the standard"}; take another family`);
      const mine = listed.find((one) => one.place === family);
      if (!/import \{[^}]*\belementwise\b/.test(files.read(rules)))
        files.insert(rules, { before: /^import /gm }, 'import { elementwise } from "./op.ts";\n');
      files.insert(rules, { after: /$/g }, `\n${rule(own)}`);
      if (mine) files.insert(index, { after: new RegExp(`${mine.names}(?=")`, "g") }, ` ${own}`);
    }
    if (!files.exists(checks)) files.create(checks, `import { checkRule } from "./rules.ts";\n\n${check(name)}`);
    else files.insert(checks, { after: /$/g }, `\n${check(name)}`);
  },
  next: (
    name,
    family,
  ) => `Write the rule of ${name} in src/ops/${family}.ts, a row for each of its forms in test/ops/${family}.test.ts, replace every TODO, then:

  npm run format && npx vitest run test/ops/${family}.test.ts test/ops/families.test.ts
  npm run build && node scripts/make-operator-docs.mjs`,
};

/** An entry of the index of families: its operators' names, and its file. */
const entry = /\{\s*names:\s*"([^"]*)",(\s*domain: "[^"]*",)?\s*load: \(\) => import\("\.\/([\w-]+)\.ts"\),?\s*\}/g;

const rule = (own) => `// TODO: dx = dy * the derivative
export const ${own} = elementwise(({ build, x: [x] }) => build.mul(x, 0));
`;

const check = (
  name,
) => `checkRule("${name}", { opsets: [13], free: ["x"] }, { "TODO: a row for each form": [{ x: [2, 5] }] });
`;
