/** @file Starts `gradcam serve` as users do, in a process of its own, and puts load on it. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import net from "node:net";
import { fileURLToPath } from "node:url";

const bin = fileURLToPath(new URL("../dist/cli/bin.js", import.meta.url));

/** A server that is ready, on a port that was free. */
export async function startServer(args = [], env = {}) {
  const child = spawn(process.execPath, [bin, "serve", "--port", "0", "--log-level", "error", ...args], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "inherit", "pipe"],
  });
  const url = await new Promise((resolve, reject) => {
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (part) => {
      said += part;
      const found = / on (http:\S+)/.exec(said);
      if (found) resolve(found[1]);
    });
    child.on("close", () => reject(new Error(said || "the server ended")));
  });
  const stop = () =>
    new Promise((resolve) => {
      child.on("close", resolve);
      child.kill("SIGTERM");
    });
  return { url, pid: child.pid, stop };
}

/** Resident memory of a process, in megabytes; Linux. */
export const residentOf = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]) / 1024;

/** Processor time of a process and its threads so far, in milliseconds; Linux. */
export function processorTimeOf(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
  return 10 * (Number(fields[11]) + Number(fields[12])); // utime and stime, in ticks of 10 ms
}

/** As long as that of curl and of browsers: a parser searches the file for it. */
const boundary = "------------------------d74496d66958873e";

/**
 * One request as one form with one file, its bytes made beforehand and written as they are: the clients share the server's cores. Answers
 * say how long they are, as those of `gradcam serve` do.
 */
export function request(url, file) {
  const { hostname, port, host } = new URL(url);
  const form = `--${boundary}\r\nContent-Disposition: form-data; name="image"; filename="a"\r\nContent-Type: application/octet-stream\r\n\r\n`;
  const end = `\r\n--${boundary}--\r\n`;
  const length = form.length + file.length + end.length;
  const head = `POST /v1/explain HTTP/1.1\r\nHost: ${host}\r\nContent-Type: multipart/form-data; boundary=${boundary}\r\nContent-Length: ${length}\r\n\r\n`;
  const bytes = Buffer.concat([Buffer.from(head + form), file, Buffer.from(end)]);
  const idle = new Set();
  const connect = () => {
    const socket = net.connect(Number(port), hostname).setNoDelay();
    return socket.on("close", () => idle.delete(socket));
  };
  const ask = async () => {
    const start = performance.now();
    const [socket = connect()] = idle;
    idle.delete(socket);
    socket.write(bytes);
    const { status, stays } = await answerOn(socket);
    if (stays) idle.add(socket);
    else socket.destroy();
    return { status, ms: performance.now() - start };
  };
  const close = () => {
    for (const socket of idle) socket.destroy();
  };
  return { ask, close };
}

/** The status of the answer that comes, read to its end, and whether the connection stays open. */
function answerOn(socket) {
  return new Promise((resolve, reject) => {
    let [head, missing] = ["", Number.NaN];
    const hungUp = () => reject(new Error("the server hung up"));
    const read = (part) => {
      if (Number.isNaN(missing)) {
        head += part.toString("latin1");
        const end = head.indexOf("\r\n\r\n");
        if (end < 0) return;
        missing = Number(/\r\ncontent-length: (\d+)/i.exec(head)[1]) - (head.length - end - 4);
      } else missing -= part.length;
      if (missing > 0) return;
      socket.off("data", read).off("error", reject).off("close", hungUp);
      resolve({ status: Number(head.slice(9, 12)), stays: !/\r\nconnection: close/i.test(head) });
    };
    socket.on("data", read).on("error", reject).on("close", hungUp);
  });
}

/** So many clients, each asking again when it is answered, for a time. */
export async function closedLoop({ ask }, clients, milliseconds) {
  const answers = [];
  const start = performance.now();
  const client = async () => {
    while (performance.now() - start < milliseconds) answers.push(await ask());
  };
  await Promise.all(Array.from({ length: clients }, client));
  return { answers, perSecond: (1000 * answers.length) / (performance.now() - start) };
}

/** So many requests a second, at random times, whether earlier ones are answered or not. */
export async function openLoop({ ask }, perSecond, milliseconds, random) {
  const answers = [];
  const start = performance.now();
  for (let at = 0; ; ) {
    at += (-1000 * Math.log(1 - random())) / perSecond;
    if (at > milliseconds) break;
    const wait = at - (performance.now() - start);
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    answers.push(ask());
  }
  return Promise.all(answers);
}

export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

/** Numbers of 0 to 1 that are the same each time. */
export { uniformFrom as randomOf } from "../dist/array/random.js";
