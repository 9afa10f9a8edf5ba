/** @file The declarations under TypeScript's versions and ways of finding modules, with `skipLibCheck: false`. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { installedOnce } from "./installers.mjs";
import { folder, root, shell, versionOf } from "./package.mjs";

/** A project that imports every door, in a strict project; `load` must not be `any`. */
export function source() {
  const { exports } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
  const doors = Object.keys(exports).filter((door) => door !== "./package.json");
  const lines = doors.map((door, i) => `import * as door${i} from "gradcam${door.slice(1)}";`);
  return `${lines.join("\n")}
export const all = [${doors.map((_, i) => `door${i}`).join(", ")}];
import { load } from "gradcam/node";
// @ts-expect-error a path is a text
load(5);
`;
}

const modes = {
  node: { module: "esnext", moduleResolution: "node" },
  node16: { module: "node16", moduleResolution: "node16" },
  nodenext: { module: "nodenext", moduleResolution: "nodenext" },
  bundler: { module: "esnext", moduleResolution: "bundler" },
};

/** What the compiler of a folder says of it in each mode; nothing where all is well. */
async function complaints(compiler, place, mode, version) {
  if (mode === "node" && version.startsWith("7.")) return undefined;
  const compilerOptions = {
    ...{
      target: "es2022",
      lib: ["es2022", "dom", "dom.iterable"],
      strict: true,
      noEmit: true,
      skipLibCheck: false,
      types: [],
    },
    ...(mode === "node" && version.startsWith("6.") && { ignoreDeprecations: "6.0" }),
    ...modes[mode],
  };
  writeFileSync(path.join(place, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["use.ts"] }));
  return shell(`"${process.execPath}" ${compiler} -p .`, place).then(
    () => "",
    ({ stdout }) => {
      // Other packages' declarations are theirs; ours, and what is ours to use, are clean.
      const ours = stdout.split("\n").filter((line) => /^(use\.ts|node_modules\/gradcam\/)/.test(line));
      return ours.slice(0, 3).join(" ");
    },
  );
}

const older = "below 5.7, `skipLibCheck` for the declarations of `@bufbuild/protobuf`";
const notes = { 5.4: older, 5.6: older, 7: "it has no `moduleResolution: node`" };

const row = (wanted) => ({
  kind: "types",
  name: `TypeScript ${wanted}`,
  note: notes[wanted] ?? "",
  async run() {
    const tools = folder(`typescript-${wanted}`);
    await shell(`npm i typescript@${wanted}`, tools);
    const version = versionOf(tools, "typescript");
    const place = await installedOnce();
    writeFileSync(path.join(place, "use.ts"), source());
    const found = {};
    for (const mode of Object.keys(modes)) {
      const said = await complaints(path.join(tools, "node_modules/typescript/bin/tsc"), place, mode, version);
      if (said !== undefined) found[mode] = { said, right: said === "" };
    }
    return { version, found };
  },
});

export const typeRows = ["5.4", "5.6", "5.8", "5.9", "6", "7"].map(row);
