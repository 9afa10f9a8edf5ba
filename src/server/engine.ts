/** @file The models of one worker thread. */
import type { LoadOptions } from "../node/load.ts";
import { openClassifier } from "./classifiers.ts";
import { openAnswerer, openCaptioner } from "./language.ts";
import type { Served } from "./served.ts";
import type { Bounds, ModelSource, Task, WorkerSetup } from "./work.ts";

const openers: Readonly<Record<Task, (source: ModelSource, loading: LoadOptions, bounds: Bounds) => Promise<Served>>> =
  {
    explain: openClassifier,
    caption: openCaptioner,
    ask: openAnswerer,
  };

/** @throws UserError for models that cannot be served. */
export async function openModels({ models, loading, ...bounds }: WorkerSetup): Promise<Map<string, Served>> {
  const served = new Map<string, Served>();
  for (const source of models) served.set(source.name, await openers[source.task](source, loading, bounds));
  return served;
}
