/** @file What is handed from thread to thread is memory that may go: its own, not a pool's and not a native library's. */
import { MessageChannel } from "node:worker_threads";
import { expect, test } from "vitest";
import { encodePng } from "../../src/image/sharp.ts";
import { ownMemory } from "../../src/server/work.ts";

const send = (arrays: readonly Uint8Array[]): void => {
  const { port1 } = new MessageChannel();
  port1.postMessage(arrays, ownMemory(arrays));
  port1.close();
};

test("an array of its own goes, a small buffer stays in its pool", () => {
  const [own, pooled] = [new Uint8Array(9), Buffer.from("pooled")];
  send([own, pooled]);
  expect([own.byteLength, pooled.toString()]).toEqual([0, "pooled"]);
});

test("a picture as sharp encoded it can be sent", async () => {
  const png = await encodePng({ width: 8, height: 8, data: new Uint8Array(192).fill(7) });
  expect(() => send([png])).not.toThrow();
});
