/** @file The tasks that methods say they answer are those whose questions they take: of the others, a refusal in a line. */
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { UserError } from "../../src/errors.ts";
import { methods } from "../../src/index.ts";
import type { MethodName } from "../../src/methods/by-name.ts";
import { load } from "../../src/node/load.ts";
import { loadCaptioner } from "../../src/node.ts";
import { example, repository } from "../cli/run.ts";

const scene = path.join(repository, "examples/images/scene.png");

interface Asked {
  readonly method: MethodName;
  readonly onProgress: (done: number) => void;
  readonly signal: AbortSignal;
}

/** Who contradicts what it says of a task: what was begun was not refused, and need not end. */
async function wrongAbout(task: string, ask: (asked: Asked) => Promise<unknown>) {
  const wrong: string[] = [];
  // Those of many runs at the pixels take any question, as other tests hold, and a while.
  const brief = methods.filter(({ tasks, space, graph }) => tasks || space === "layer" || graph);
  for (const { name, tasks = [task] } of brief) {
    const stop = new AbortController();
    const onProgress = (done: number) => done > 0 && stop.abort();
    const said = await ask({ method: name as MethodName, onProgress, signal: stop.signal }).then(
      () => "answered",
      (error: unknown) => (error instanceof UserError ? `${error.code}: ${error.message}` : String(error)),
    );
    expect(said).toMatch(/^(answered|cancelled: cancelled|(invalid-option|unsupported-operator): [^\n]+)$/);
    if (said.startsWith("invalid-option") === tasks.includes(task)) wrong.push(`${name}: ${said}`);
  }
  return wrong;
}

test("boxes", async () => {
  const model = await load(path.join(repository, "models/scenes-detector"));
  onTestFinished(() => model.release());
  expect(await wrongAbout("detection", (asked) => model.explain(scene, { targets: ["box:0"], ...asked }))).toEqual([]);
}, 60_000);

test("words", async () => {
  const model = await loadCaptioner();
  onTestFinished(() => model.release());
  const words = [(await model.explain(example)).explanations[0].text];
  expect(await wrongAbout("captioning", (asked) => model.explain(example, { words, ...asked }))).toEqual([]);
}, 60_000);
