/**
 * @file ONNX Runtime Web that does not start: its WebAssembly is not served, or the page may not compile it. The runtime tells it when the
 * first session is made, of whatever model, which is not to blame.
 */
import { UserError } from "../errors.ts";
import { reason } from "./reason.ts";

/** What it says once its WebAssembly has failed, at the first session and at every later one. */
const failed =
  /Aborted|initWasm|initializeWebAssembly|WebAssembly|dynamically imported module|Importing a module script failed/;
const refused = /Content.?Security.?Policy|unsafe-eval|blocked by CSP/i;
const notFound =
  /fetching of the wasm failed|dynamically imported module|Importing a module script failed|Failed to fetch|NetworkError/i;
const fetchedWasm = /fetching of the wasm|magic|MIME/;
const notWasm = /magic word|magic number|MIME type|CompileError|LinkError|function import/i;

/** @returns the error that says what is missing, where that is why no session could be made */
export async function missingRuntime(cause: unknown): Promise<UserError | undefined> {
  const said = cause instanceof Error ? cause.message : String(cause);
  // Where WebAssembly is there, a provider is missing, which is another matter.
  if (!/no available backend found/.test(said) || !failed.test(said)) return undefined;
  // The page's record of requests has the failed one a moment later.
  for (let wait = 0; wait < 1000 && !lookedFor("wasm") && fetchedWasm.test(said); wait += 50)
    await new Promise((resolve) => setTimeout(resolve, 50));
  return cannotStart(said, cause);
}

/**
 * The first session, or why there will be none: what is WebAssembly and lacks all that the runtime calls is compiled without complaint,
 * and then waited for without an end.
 */
export function orForeign<T>(opening: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setInterval(async () => {
      const url = lookedFor("wasm");
      if (!url) return;
      clearInterval(timer);
      const served = await fetch(url)
        .then((response) => response.arrayBuffer())
        .then(WebAssembly.compile)
        .catch(() => undefined);
      if (served && WebAssembly.Module.exports(served).length < fewestExports) reject(cannotStart("magic word"));
    }, 3000);
    opening.then(resolve, reject).finally(() => clearInterval(timer));
  });
}

/** The runtime's own has more. */
const fewestExports = 40;

const cannotStart = (said: string, cause?: unknown): UserError =>
  new UserError("missing-runtime", `missing runtime: ONNX Runtime Web cannot start: ${why(said)}`, { cause });

function why(said: string): string {
  if (refused.test(said))
    return "the page's Content-Security-Policy does not allow compiling WebAssembly; add 'wasm-unsafe-eval' to its script-src";
  const url = lookedFor(fetchedWasm.test(said) ? "wasm" : "mjs");
  const file = url ?? "its .wasm file";
  const serve = `serve ${url ? fileOf(url) : "it"} from node_modules/onnxruntime-web/dist there, or name its directory in ort.env.wasm.wasmPaths; then reload the page`;
  if (notFound.test(said)) return `${file} is not served; ${serve}`;
  if (notWasm.test(said)) return `what is served as ${file} is not the WebAssembly of this version; ${serve}`;
  return reason(said);
}

/** The last of the runtime's files of this ending that the page has asked for. */
function lookedFor(ending: string): string | undefined {
  const asked = globalThis.performance?.getEntriesByType?.("resource") ?? [];
  return asked
    .map(({ name }) => name)
    .findLast((name) => name.includes("ort-wasm") && name.replace(/[?#].*/, "").endsWith(ending));
}

/** Its name as the package has it: bundlers put a hash in it. */
function fileOf(url: string): string {
  const [, build = "", ending] = /ort-wasm-simd-threaded(\.[a-z]+)?[^/]*\.(wasm|mjs)/.exec(url) ?? [];
  return `ort-wasm-simd-threaded${build}.${ending}`;
}
