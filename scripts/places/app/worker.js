/** @file The same in a module worker. */
import { explain, failure, runtimes } from "./explain.js";

self.onmessage = async ({ data: base }) =>
  self.postMessage({ ...(await explain(base).catch(failure)), fetched: runtimes() });
