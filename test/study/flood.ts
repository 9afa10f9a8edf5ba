/** @file Somebody who presses "Begin" many times a second, and answers nothing. */
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "./serving.ts";

export interface Flood {
  /** What came of it so far, by status; 0 is no answer. */
  readonly statuses: Record<number, number>;
  /** Ends it. */
  stop(): Promise<void>;
}

/** Presses from an address until it is stopped. */
export function flood(url: string, perSecond: number, from = "127.0.0.1"): Flood {
  const statuses: Record<number, number> = {};
  const under = new Set<Promise<void>>();
  let stopped = false;
  const press = async () => {
    const status = await new Client(url, from).begin().then(
      (page) => page.status,
      () => 0,
    );
    statuses[status] = (statuses[status] ?? 0) + 1;
  };
  const pressing = async () => {
    const start = performance.now();
    for (let n = 1; !stopped; n++) {
      const one = press();
      under.add(one);
      one.finally(() => under.delete(one));
      await sleep(Math.max(0, start + (1000 * n) / perSecond - performance.now()));
    }
    await Promise.all(under);
  };
  const ended = pressing();
  return {
    statuses,
    stop: () => {
      stopped = true;
      return ended;
    },
  };
}
