/**
 * @file Which nodes run on which execution provider, as ONNX Runtime Web's log has it: it prints where it places them when a session is
 * made, to the console that there was when its WebAssembly started. So it can be heard only by who was there first.
 */
import { UserError } from "../errors.ts";
import {
  type Placement,
  type ProviderReport,
  providerReport as report,
  tryOnce,
  withNodeNames,
} from "../explain/provider-report.ts";
import { type MethodName, methodName } from "../methods/by-name.ts";
import type { Session } from "../onnx/runtime.ts";
import { type LoadOptions, load } from "./load.ts";
import type { ModelSource } from "./place.ts";
import { loadRuntime, type WebRuntime } from "./runtime.ts";

export type { PlacedNode, ProviderNodes, ProviderReport } from "../explain/provider-report.ts";

export interface ReportOptions extends LoadOptions {
  /** The method whose nodes are placed; `grad-cam` unless told. */
  readonly method?: MethodName;
}

/**
 * Explains made-up numbers once, and says which nodes ran on which execution provider. To be called in a page or a worker in which ONNX
 * Runtime Web has not started yet.
 * @param source as for `load`; the providers are those of the options' `session`
 * @throws UserError `invalid-input` where it had started before, and as `load` and `explain` do.
 */
export async function providerReport(
  source?: ModelSource,
  { method = "grad-cam", ...options }: ReportOptions = {},
): Promise<ProviderReport> {
  const name = methodName(method);
  const { ort, placements } = listening(options.ort ?? (await loadRuntime(options.session)));
  const { explainer } = (await load(source, { ...options, ort })).classifier;
  await tryOnce(ort, explainer, name);
  return report(explainer, name, placements());
}

/** Lines of the log while a session is made; also those of later sessions, for the runtime keeps to the console that it started with. */
let heard: string[] | undefined;
/** Sessions that print everything, of which nobody wants to see more. */
let talking = 0;

function listening(ort: WebRuntime): { ort: WebRuntime; placements: () => Placement[] } {
  const ran = new Set<Placement[]>();
  let turn: Promise<unknown> = Promise.resolve();
  const open = async (bytes: Uint8Array, options: Parameters<typeof ort.InferenceSession.create>[1]) => {
    const { error } = console;
    console.error = (...said: unknown[]) => {
      const line = String(said[0]);
      if (talking && verbose.test(line)) heard?.push(line.replace(verbose, ""));
      else error.apply(console, said);
    };
    talking++;
    heard = [];
    try {
      const session = await ort.InferenceSession.create(withNodeNames(bytes), { ...options, logSeverityLevel: 0 });
      if (!heard.some((line) => line.includes(heading))) {
        await session.release();
        throw deaf();
      }
      return followed(session, placementsIn(heard), ran);
    } catch (cause) {
      talking--;
      throw cause;
    } finally {
      console.error = error;
      heard = undefined;
    }
  };
  const create = (...given: Parameters<typeof open>) => {
    const made = turn.then(() => open(...given));
    turn = made.catch(() => undefined);
    return made;
  };
  return {
    ort: { ...ort, InferenceSession: { create: create as typeof ort.InferenceSession.create } },
    placements: () => [...ran].flat(),
  };
}

/** Notes where a session's nodes are once it runs: those that only tell shapes never do. */
function followed(session: Session, placements: Placement[], ran: Set<Placement[]>): Session {
  const [run, release] = [session.run.bind(session), session.release.bind(session)];
  session.run = (...fed: unknown[]) => {
    ran.add(placements);
    return run(...(fed as Parameters<typeof run>));
  };
  session.release = async () => {
    await release();
    talking--;
  };
  return session;
}

const deaf = (): UserError =>
  new UserError(
    "invalid-input",
    "invalid use: ONNX Runtime Web has started already, and from then on tells nobody where nodes run; ask for the report in a page or a worker before anything else runs in it",
  );

/** What a line of the log begins with. */
const verbose = /^.*\[[VI]:onnxruntime:[^\]]*\] ?/;

const heading = "Node placements";

/** The heading, then the providers, each followed by its nodes; where all are on one, their number alone. */
function placementsIn(lines: readonly string[]): Placement[] {
  const found: { provider: string; count: number; nodes: { node: string; operator: string }[] }[] = [];
  for (const line of lines.slice(lines.findLastIndex((one) => one.includes(heading)) + 1)) {
    const [, provider, count] =
      /^\s*(?:All nodes|Node\(s\)) placed on \[(\w+)\]\. Number of nodes: (\d+)/.exec(line) ?? [];
    const [, operator, node] = /^\s+([\w.]+) \((.*)\)$/.exec(line) ?? [];
    if (provider) found.push({ provider, count: Number(count), nodes: [] });
    else if (operator && found.length) found.at(-1)?.nodes.push({ operator, node });
    else break;
  }
  return found.map(({ nodes, ...rest }) => ({ ...rest, ...(nodes.length === rest.count && { nodes }) }));
}
