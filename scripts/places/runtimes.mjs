/** @file Runtimes: Node.js of several ages, Bun and Deno, on one installation. */
import { copyFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { nodeBinary } from "../nodes/binary.mjs";
import { installedOnce } from "./installers.mjs";
import { copyNetworks, root, shell } from "./package.mjs";
import { tool } from "./tools.mjs";
import { NotRun } from "./verdict.mjs";

const requiring = `require("gradcam/node").load().then(async (model) => {
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
    writeFileSync(path.join(place, "use.cjs"), requiring);
    copyFileSync(path.join(root, "scripts/places/half.mjs"), path.join(place, "half.mjs"));
    copyFileSync(path.join(root, "scripts/places/app/half.js"), path.join(place, "half.js"));
    copyNetworks(place);
    return run(place);
  },
});

const found = async (command, place, file) => JSON.parse(await shell(`${command} ${file} cat-and-cup.jpg`, place));

const halves = async (command, place) => JSON.parse(await shell(`${command} half.mjs half.onnx float.onnx`, place));

const node = (version) =>
  row(`Node.js ${version === "latest" ? "newest" : version}`, async (place) => {
    let binary;
    try {
      binary = nodeBinary(version);
    } catch (error) {
      throw new NotRun(error.message);
    }
    const imported = await found(`"${binary}"`, place, "use.mjs");
    const required = await found(`"${binary}"`, place, "use.cjs");
    const tag = (await shell(`"${binary}" --version`, place)).trim();
    const half = await halves(`"${binary}"`, place);
    return { version: tag.slice(1), found: { import: imported, require: required, "half precision": half } };
  });

export const runtimeRows = [
  ...["20", "22", "24", "latest"].map(node),
  row("Bun", async (place) => {
    const { command, version } = await tool("bun");
    const imported = await found(command, place, "use.mjs");
    const required = await found(command, place, "use.cjs");
    return { version, found: { import: imported, require: required, "half precision": await halves(command, place) } };
  }),
  row("Deno", async (place) => {
    const { command, version } = await tool("deno");
    const run = `${command} run -A --node-modules-dir=manual`;
    const imported = await found(run, place, "use.mjs");
    return { version, found: { import: imported, "half precision": await halves(run, place) } };
  }),
];
