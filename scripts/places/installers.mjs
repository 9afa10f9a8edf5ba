/** @file Installers: the package alone in an empty folder, used as a library and as a command. */
import { copyFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { folder, root, shell, tarball } from "./package.mjs";
import { tool } from "./tools.mjs";

/** The sum of a float32 .npy file. */
function sumOf(file) {
  const bytes = readFileSync(file);
  const start = 10 + bytes.readUInt16LE(8);
  let sum = 0;
  for (let at = start; at < bytes.length; at += 4) sum += bytes.readFloatLE(at);
  return sum;
}

/** What the library and the command line find. @param run how a binary of the folder's packages is run, and Node */
export async function asked(place, run) {
  copyFileSync(path.join(root, "scripts/places/use.mjs"), path.join(place, "use.mjs"));
  const library = JSON.parse(await shell(`${run.node} use.mjs cat-and-cup.jpg`, place));
  const said = await shell(`${run.bin} gradcam explain cat-and-cup.jpg --class espresso --json`, place);
  const [{ peak, map }] = JSON.parse(said.trim().split("\n").at(-1)).explanations;
  return { library, command: { peak, sum: sumOf(path.join(place, "gradcam-out", map.file)) } };
}

/** Megabytes of a folder's files. */
function megabytes(place) {
  const files = readdirSync(place, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Math.round(
    files.reduce((sum, { parentPath, name }) => sum + statSync(path.join(parentPath, name)).size, 0) / 1e6,
  );
}

/** What npm brought: how many packages, and their megabytes. */
function sized(place) {
  const modules = path.join(place, "node_modules");
  const packages = Object.keys(JSON.parse(readFileSync(path.join(modules, ".package-lock.json"), "utf8")).packages);
  const runtime = path.join(modules, "onnxruntime-node");
  const all = `${packages.length} packages, ${megabytes(modules)} MB`;
  if (!existsSync(runtime)) return all;
  const used = readdirSync(path.join(runtime, "bin")).map((name) =>
    path.join(runtime, "bin", name, process.platform, process.arch),
  );
  return `${all}, ${megabytes(runtime)} of them \`onnxruntime-node\`, of which one platform is ${megabytes(used[0])}`;
}

const row = (name, note, run) => ({ kind: "installer", name, note, run });

const yarn = (linker) =>
  row(`Yarn, ${linker}`, "", async () => {
    const { command, version } = await tool("yarn");
    const place = folder(`yarn-${linker}`);
    writeFileSync(path.join(place, "yarn.lock"), "");
    writeFileSync(path.join(place, ".yarnrc.yml"), `nodeLinker: ${linker}\n`);
    await shell(`${command} add gradcam@file:${await tarball()}`, place, { YARN_ENABLE_IMMUTABLE_INSTALLS: "false" });
    return { version, found: await asked(place, { node: `${command} node`, bin: `${command} run` }) };
  });

/** That the command line says what is missing: the line that installs it. */
async function bare(place) {
  const said = await shell("npx gradcam explain cat-and-cup.jpg", place).then(
    () => "it works",
    ({ stderr }) => stderr.trim(),
  );
  return { said, right: /onnxruntime-node is not installed.*ONNXRUNTIME_NODE_INSTALL=skip npm i/.test(said) };
}

export const installerRows = [
  row("npm", "", async () => {
    const place = folder("npm");
    await shell(`npm i ${await tarball()}`, place);
    const found = await asked(place, { node: `"${process.execPath}"`, bin: "npx" });
    const version = (await shell("npm --version", place)).trim();
    return { version, found, note: sized(place) };
  }),
  row("npm, without optional packages", "", async () => {
    const place = folder("npm-bare");
    await shell(`npm i --omit=optional ${await tarball()}`, place);
    return { found: { message: await bare(place) }, note: sized(place) };
  }),
  row("npm, the least for Node", "", async () => {
    const place = folder("npm-least");
    await shell(`npm i --omit=optional ${await tarball()}`, place);
    // What is optional includes sharp's own parts, so that it is installed beside.
    await shell("npm i --prefix parts onnxruntime-node sharp && cp -rn parts/node_modules/. node_modules/", place);
    const keep = `${process.platform}/${process.arch}`;
    await shell(
      `find node_modules/onnxruntime-node/bin/napi-v* -mindepth 2 -maxdepth 2 -not -path "*/${keep}" -exec rm -r {} +`,
      place,
    );
    const found = await asked(place, { node: `"${process.execPath}"`, bin: "npx" });
    const size = megabytes(path.join(place, "node_modules"));
    return {
      found,
      note: `${size} MB: \`onnxruntime-node\` for one platform, \`sharp\`, nothing else that is optional`,
    };
  }),
  row("npm, install scripts that cannot reach out", "", async () => {
    const place = folder("npm-unreachable");
    // A port at which nobody answers.
    const nowhere = {
      ONNXRUNTIME_NODE_INSTALL: undefined,
      https_proxy: "http://127.0.0.1:9",
      HTTPS_PROXY: "http://127.0.0.1:9",
    };
    await shell(`npm i --noproxy registry.npmjs.org ${await tarball()}`, place, nowhere);
    const works = await asked(place, { node: `"${process.execPath}"`, bin: "npx" }).catch(() => undefined);
    return {
      found: works ?? { message: await bare(place) },
      note: works ? "" : "left out by npm; the message says how",
    };
  }),
  row("pnpm", "`--allow-build=!onnxruntime-node`", async () => {
    const { command, version } = await tool("pnpm");
    const place = folder("pnpm");
    await shell(`${command} add "--allow-build=!onnxruntime-node" ${await tarball()}`, place);
    return { version, found: await asked(place, { node: `"${process.execPath}"`, bin: `${command} exec` }) };
  }),
  yarn("pnp"),
  yarn("node-modules"),
  row("Yarn 1", "", async () => {
    const { command, version } = await tool("yarn1");
    const place = folder("yarn1");
    await shell(`${command} add file:${await tarball()}`, place);
    return { version, found: await asked(place, { node: `"${process.execPath}"`, bin: `${command} -s run` }) };
  }),
  row("bun add", "", async () => {
    const { command, version } = await tool("bun");
    const place = folder("bun-add");
    await shell(`${command} add ${await tarball()}`, place);
    return { version, found: await asked(place, { node: `"${process.execPath}"`, bin: `${command} run` }) };
  }),
];

/** A folder that several rows use, installed once. */
let common;
export function installedOnce() {
  common ??= (async () => {
    const place = folder("common");
    await shell(`npm i ${await tarball()}`, place);
    copyFileSync(path.join(root, "scripts/places/use.mjs"), path.join(place, "use.mjs"));
    return place;
  })();
  return common;
}
