/** @file Installers and runtimes that the npm registry has, installed once. */
import path from "node:path";
import { folder, shell, versionOf } from "./package.mjs";

let ready;

/** A folder with pnpm, Yarn, Bun and Deno. */
function tools() {
  ready ??= (async () => {
    const place = folder("tools", { allowScripts: { bun: true, deno: true } });
    await shell("npm i pnpm@latest yarn@1 @yarnpkg/cli-dist@latest bun@latest deno@latest", place);
    return place;
  })();
  return ready;
}

/** The command line that starts one, and its version. */
export async function tool(name) {
  const place = await tools();
  // Both have a binary called yarn.
  const yarn = { yarn: "@yarnpkg/cli-dist", yarn1: "yarn" }[name];
  const inside = path.join(place, "node_modules", yarn ? `${yarn}/bin/yarn.js` : `.bin/${name}`);
  return { command: yarn ? `"${process.execPath}" ${inside}` : inside, version: versionOf(place, yarn ?? name) };
}
