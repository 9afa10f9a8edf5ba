/** @file Runtimes: Node.js of several ages, Bun and Deno, on one installation. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { nodeBinary } from "../nodes/binary.mjs";
import { installedOnce } from "./installers.mjs";
import { shell } from "./package.mjs";
import { tool } from "./tools.mjs";
import { NotRun } from "./verdict.mjs";

const required = `require("gradcam/node").load().then(async (model) => {
  const { explanations } = await model.explain(process.argv[2], { classes: ["espresso"] });
  await model.release();
  const [{ peak, map }] = explanations;
  console.log(JSON.stringify({ peak, sum: map.data.reduce((sum, value) => sum + value, 0) }));
});`;

const row = (name, run) => ({
  kind: "runtime",
  name,
  note: "",
  async run() {
    const place = await installedOnce();
    writeFileSync(path.join(place, "use.cjs"), required);
    return run(place);
  },
});

const found = async (command, place, file) => JSON.parse(await shell(`${command} ${file} cat-and-cup.jpg`, place));

const node = (version) =>
  row(`Node.js ${version === "latest" ? "newest" : version}`, async (place) => {
    let binary;
    try {
      binary = nodeBinary(version);
    } catch (error) {
      throw new NotRun(error.message);
    }
    const imported = await found(`"${binary}"`, place, "use.mjs");
    const tag = (await shell(`"${binary}" --version`, place)).trim();
    return {
      version: tag.slice(1),
      found: { import: imported, require: await found(`"${binary}"`, place, "use.cjs") },
    };
  });

export const runtimeRows = [
  ...["20", "22", "24", "latest"].map(node),
  row("Bun", async (place) => {
    const { command, version } = await tool("bun");
    return {
      version,
      found: { import: await found(command, place, "use.mjs"), require: await found(command, place, "use.cjs") },
    };
  }),
  row("Deno", async (place) => {
    const { command, version } = await tool("deno");
    return { version, found: { import: await found(`${command} run -A --node-modules-dir=manual`, place, "use.mjs") } };
  }),
];
