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
  if (name === "yarn")
    return {
      command: `"${process.execPath}" ${path.join(place, "node_modules/@yarnpkg/cli-dist/bin/yarn.js")}`,
      version: versionOf(place, "@yarnpkg/cli-dist"),
    };
  const folderOf = name === "yarn1" ? "yarn" : name;
  return { command: path.join(place, "node_modules/.bin", folderOf), version: versionOf(place, folderOf) };
}
