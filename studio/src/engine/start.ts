/** @file The studio's workers: the one that runs networks here, the one that asks a server, and the one that paints scenes. */
import serverWorker from "./server-worker.ts?worker&url";

export const networkWorker = (name: string): Worker =>
  new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name });

export const painterWorker = (name: string): Worker =>
  new Worker(new URL("./painter-worker.ts", import.meta.url), { type: "module", name });

/** The address says where it may connect, for the policy that the service worker gives it. */
export const serverWorkerFor =
  (origin: string) =>
  (name: string): Worker =>
    new Worker(`${serverWorker}?to=${encodeURIComponent(origin)}`, { type: "module", name });
