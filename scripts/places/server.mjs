/** @file Servers that say their address. */
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { quiet } from "./package.mjs";

/** A port that nobody listens at just now. */
export function freePort() {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

/** Starts a server, and ends it after `use` of its address, which it prints. */
export async function started(command, place, use, more = {}) {
  const child = spawn("sh", ["-c", `exec ${command}`], {
    ...{ cwd: place, env: { ...process.env, ...quiet, ...more }, detached: true },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  try {
    const address = await new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`no server: ${said.slice(-300)}`)), 600_000);
      const read = (part) => {
        said += part;
        const [found] = /https?:\/\/(localhost|127\.0\.0\.1):[1-9]\d+[^\s"]*/.exec(said) ?? [];
        if (found) {
          clearTimeout(late);
          resolve(found);
        }
      };
      child.stdout.on("data", read);
      child.stderr.on("data", read);
      child.on("exit", (code) => reject(new Error(`${command} ends with ${code}: ${said.trim().slice(-300)}`)));
    });
    return await use(address);
  } finally {
    process.kill(-child.pid, "SIGKILL");
  }
}
