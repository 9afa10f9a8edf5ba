/** @file Disks that are full or may not be written: a tmpfs in a namespace of its own, which is gone with its process. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Ended } from "../cli/run.ts";

/** Whether this machine lets a process have a disk of its own; containers and kernels may forbid it. */
export const ownDisks = spawnSync("unshare", ["-rm", "mount", "-t", "tmpfs", "tmpfs", tmpdir()]).status === 0;

/** A shell's process, at whose `disk` in `directory` lies a disk of so many kilobytes. */
export function onDisk(kilobytes: number, directory: string, script: string, ...args: string[]): ChildProcess {
  mkdirSync(path.join(directory, "disk"), { recursive: true });
  const mounted = `mount -t tmpfs -o size=${kilobytes}k tmpfs disk && ${script}`;
  return spawn("unshare", ["-rm", "sh", "-c", mounted, "sh", ...args], {
    cwd: directory,
    env: { ...process.env, NO_COLOR: "1" },
  });
}

export function ended(child: ChildProcess): Promise<Ended> {
  const text = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name]?.setEncoding("utf8").on("data", (part: string) => {
      text[name] += part;
    });
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, ...text })));
}
