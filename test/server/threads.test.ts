/** @file Computing threads that die, stand still or cannot start: who asked is answered, and another takes the place. */
import { spawn } from "node:child_process";
import { renameSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { Problem, Readiness } from "../../src/client/contract.ts";
import { folder, repository, withModel, writePicture } from "../cli/run.ts";
import { gap } from "../nets.ts";
import { form, post } from "./start.ts";

/** In each computing thread: does what a file says, once. */
const trouble = `
import { isMainThread } from "node:worker_threads";
import { readFileSync, rmSync } from "node:fs";
if (!isMainThread) setInterval(() => {
  let how;
  try { how = readFileSync(process.env.TROUBLE, "utf8"); rmSync(process.env.TROUBLE); } catch { return; }
  if (how === "throw") throw new Error("boom");
  if (how === "exit") process.exit(3);
  if (how === "loop") for (;;);
}, 20).unref();
`;

/** A server in a process of its own, with one thread and a time limit of 2 s, and ways to trouble it. */
async function troubled() {
  const directory = folder();
  withModel(directory, gap());
  const file = await readFile(await writePicture(path.join(directory, "a.png")));
  writeFileSync(path.join(directory, "trouble.mjs"), trouble);
  const flag = path.join(directory, "trouble");
  const args = ["serve", "--model", "net.onnx", "--port", "0", "--workers", "1", "--timeout", "2"];
  const child = spawn(
    process.execPath,
    ["--import", "./trouble.mjs", path.join(repository, "dist/cli/bin.js"), ...args],
    {
      cwd: directory,
      env: { ...process.env, TROUBLE: flag },
      stdio: ["ignore", "ignore", "pipe"],
    },
  );
  onTestFinished(() => void child.kill("SIGKILL"));
  const url = await new Promise<string>((resolve, reject) => {
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (part: string) => {
      said += part;
      const found = / on (http:\S+)/.exec(said);
      if (found) resolve(found[1]);
    });
    child.on("close", () => reject(new Error(said)));
  });
  const ready = async () => {
    const response = await fetch(`${url}/readyz`);
    expect(response.ok).toBe(((await response.clone().json()) as Readiness).status === "ok");
    return (await response.json()) as Readiness;
  };
  return {
    ask: () => post(url, form(file)),
    ready,
    live: async () => (await ready()).threads.live,
    losses: async () =>
      Number(/gradcam_thread_losses_total (\d+)/.exec(await (await fetch(`${url}/metrics`)).text())?.[1]),
    alive: async () => (await fetch(`${url}/healthz`)).status,
    // Whole at once: a thread that finds the file before its words would take it away for nothing.
    make: (how: "throw" | "exit" | "loop") => {
      writeFileSync(`${flag}.next`, how);
      renameSync(`${flag}.next`, flag);
    },
    move: (from: string, to: string) => renameSync(path.join(directory, from), path.join(directory, to)),
  };
}
const slow = { timeout: 30_000, interval: 50 };

test("threads that die or stand still are replaced", async () => {
  const server = await troubled();
  expect((await server.ask()).status).toBe(200);
  expect(await server.ready()).toEqual({ status: "ok", threads: { live: 1, wanted: 1 } });
  for (const [i, how] of (["throw", "exit"] as const).entries()) {
    server.make(how);
    await expect.poll(server.losses, slow).toBe(i + 1);
    await expect.poll(server.live, slow).toBe(1);
    expect((await server.ask()).status, how).toBe(200);
  }
  server.make("loop");
  const answers: number[] = [];
  // The thread may not have seen it yet.
  await expect.poll(async () => answers[answers.push((await server.ask()).status) - 1], slow).toBe(504);
  await expect.poll(async () => (await server.ask()).status, slow).toBe(200);
  expect(await server.losses()).toBe(3);
  expect(answers.filter((status) => ![200, 504].includes(status))).toEqual([]);
}, 90_000);

test("a thread whose model is away is started when it is back, and until then everybody is told", async () => {
  const server = await troubled();
  server.move("net.onnx", "away.onnx");
  server.make("throw");
  await expect.poll(async () => (await server.ask()).status, slow).toBe(503);
  const refused = await server.ask();
  // Another try may be under way, which a request waits for.
  if (refused.status === 503) {
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
    expect(((await refused.json()) as Problem).code).toMatch(/^(unavailable|thread-lost)$/);
  }
  await expect.poll(server.ready, slow).toMatchObject({ status: "starting", threads: { live: 0, wanted: 1 } });
  expect(await server.alive()).toBe(200);
  await expect.poll(server.losses, slow).toBeGreaterThanOrEqual(3);
  server.move("away.onnx", "net.onnx");
  await expect.poll(async () => (await server.ask()).status, slow).toBe(200);
  expect(await server.ready()).toMatchObject({ threads: { live: 1, wanted: 1 } });
}, 90_000);
