/** @file A child process with limits of time and memory, started again whenever it dies. */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export interface Answer {
  /** "crash" and "hang" are the parent's words for a child that did not answer. */
  readonly outcome: string;
  readonly why?: string;
}

const script = fileURLToPath(new URL("file-child.mjs", import.meta.url));
const seconds = 30;
/** Address space in kilobytes; what the process reserves at its start is a part of it. */
const memory = 12_000_000;

export class Child {
  #process: ChildProcess | undefined;

  async ask(bytes: Uint8Array, alone = false): Promise<Answer> {
    this.#process ??= await this.#start();
    const child = this.#process;
    const answer = this.#answer(child);
    child.send({ bytes, alone });
    const found = await answer;
    if (["crash", "hang"].includes(found.outcome)) this.stop();
    return found;
  }

  stop(): void {
    this.#process?.kill("SIGKILL");
    this.#process = undefined;
  }

  async #start(): Promise<ChildProcess> {
    const limited = `ulimit -v ${memory} 2>/dev/null; exec "$0" "$@"`;
    const child = spawn("sh", ["-c", limited, process.execPath, script], {
      stdio: ["ignore", "ignore", "ignore", "ipc"],
      serialization: "advanced",
    });
    const { outcome, why } = await this.#answer(child);
    if (outcome !== "ready") throw new Error(`the child does not start: ${why}`);
    return child;
  }

  #answer(child: ChildProcess): Promise<Answer> {
    return new Promise((resolve) => {
      const done = (answer: Answer) => {
        clearTimeout(timer);
        child.off("message", done);
        child.off("exit", died);
        resolve(answer);
      };
      const died = (code: number | null, signal: string | null) => done({ outcome: "crash", why: `${signal ?? code}` });
      const timer = setTimeout(() => done({ outcome: "hang", why: `no answer for ${seconds} s` }), seconds * 1000);
      child.on("message", done);
      child.on("exit", died);
    });
  }
}
