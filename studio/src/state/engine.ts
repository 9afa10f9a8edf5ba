/** @file Who answers: the worker here, and the one that asks a server while one is in use. A worker that is lost is another one's to replace. */
import { type CallOptions, Engine, WorkerLost } from "../engine/client.ts";
import type { CallName, Calls } from "../engine/contract.ts";
import { networkWorker, serverWorkerFor } from "../engine/start.ts";
import { tell } from "./notices.ts";
import { sentTo } from "./studio.ts";

/** What a server answers, while one is in use. */
const ofServer: ReadonlySet<CallName> = new Set(["show", "explain", "occlude", "export"]);

let here: Engine | undefined;
let remote: Engine | undefined;
/** Until the worker here can be asked: it is started, and what it had before a loss is given back to it. */
let ready: Promise<unknown> = Promise.resolve();
/** What starts a worker again, where too many were lost: the next call does it. */
let restart: (() => void) | undefined;

/** A worker in the place of the one there is. @param onLost called when it dies; `answered` unless it never said a word */
export function launch(onLost: (answered: boolean, device: boolean) => void): void {
  here?.end();
  restart = undefined;
  here = new Engine(networkWorker, onLost, () =>
    tell(
      "There is no room to keep the model",
      "It works, but will be fetched again next time. Free some of this browser's storage to keep it.",
    ),
  );
}

/** The worker here is not replaced before somebody asks for something. */
export const giveUp = (again: () => void): void => {
  restart = again;
};

/** What is asked meanwhile waits. */
export function untilReady<T>(work: Promise<T>): Promise<T> {
  ready = work.catch(() => undefined);
  return work;
}

/** Asks the worker here, started or not. */
export function local<K extends CallName>(name: K, argument: Calls[K][0], options?: CallOptions): Promise<Calls[K][1]> {
  restart?.();
  return here?.call(name, argument, options) ?? Promise.reject(new WorkerLost("there is no engine"));
}

export async function call<K extends CallName>(
  name: K,
  argument: Calls[K][0],
  options?: CallOptions,
): Promise<Calls[K][1]> {
  if (remote && sentTo.value !== undefined && ofServer.has(name)) return remote.call(name, argument, options);
  restart?.();
  await ready;
  return local(name, argument, options);
}

/** Does again what a lost worker took with it. */
export async function persistently<T>(work: () => Promise<T>): Promise<T> {
  for (;;)
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof WorkerLost) || restart) throw error;
      await ready;
    }
}

let turn: Promise<unknown> = Promise.resolve();

/** What changes the model, or looks at a picture with it, is done one after another. */
export function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const result = turn.then(work);
  turn = result.catch(() => undefined);
  return result;
}

/** A worker that may reach a server, in the place of any other such. */
export function launchRemote(origin: string, onLost: () => void): Engine {
  endRemote();
  remote = new Engine(serverWorkerFor(origin), onLost, () => {});
  return remote;
}

export const asksServer = (): Engine | undefined => remote;

export function endRemote(): void {
  remote?.end();
  remote = undefined;
}
