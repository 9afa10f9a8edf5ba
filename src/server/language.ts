/** @file Captioners and VQA models behind the service: one picture in a run. */

import type { ModelCard } from "../client/contract.ts";
import { throwIfAborted } from "../errors.ts";
import type { Picture } from "../image/picture.ts";
import type { Preprocess } from "../image/preprocess.ts";
import { decode } from "../image/sharp.ts";
import { methodName } from "../methods/by-name.ts";
import type { LoadOptions } from "../node/load.ts";
import { loadAnswerer } from "../node/load-answerer.ts";
import { loadCaptioner } from "../node/load-captioner.ts";
import { checkRendering, mapsOf, passesOf } from "./cost.ts";
import { checkInputSize, hasOneSize } from "./dynamic-size.ts";
import { checkServedOptions } from "./method-options.ts";
import { renderAnswered, renderCaptioned } from "./render.ts";
import type { Served } from "./served.ts";
import { checkUpload } from "./uploads.ts";
import { type Bounds, type Job, type ModelSource, type Reply, toWire } from "./work.ts";

/** @throws UserError for what `loadCaptioner` refuses. */
export async function openCaptioner(
  { name, source }: ModelSource,
  loading: LoadOptions,
  bounds: Bounds,
): Promise<Served> {
  const model = await loadCaptioner(source, loading);
  const card: ModelCard = { name, task: "caption", sha256: model.sha256, kind: "picture", labels: [], layers: [] };
  return apart(card, async (job, signal) => {
    const { question } = job as Job<"caption">;
    const { caption, instead, words, counterfactual, methods, options } = question;
    const method = methods?.map(methodName);
    await checkServedOptions(method, options);
    const captioned = await model.explain(await pictureIn(job, model.captioner.preprocess, loading, bounds, signal), {
      caption,
      instead,
      words,
      counterfactual,
      method,
      options,
      signal,
    });
    return renderCaptioned(captioned, question, card, signal);
  });
}

/** @throws UserError for what `loadAnswerer` refuses. */
export async function openAnswerer(
  { name, source }: ModelSource,
  loading: LoadOptions,
  bounds: Bounds,
): Promise<Served> {
  const model = await loadAnswerer(source, loading);
  const { preprocess, answers } = model.answerer;
  const labels = [...answers];
  const card: ModelCard = { name, task: "ask", sha256: model.sha256, kind: "picture", labels, layers: [] };
  return apart(card, async (job, signal) => {
    const { question, accept } = job as Job<"ask">;
    const { question: words, answers: asked, against, counterfactual, methods, options } = question;
    const method = methods?.map(methodName);
    await checkServedOptions(method, options);
    const asking = { answers: asked, against, counterfactual, method, options, signal };
    const answered = await model.ask(await pictureIn(job, preprocess, loading, bounds, signal), words, asking);
    return renderAnswered(answered, { question, accept }, card, signal);
  });
}

function apart(card: ModelCard, answer: (job: Job, signal: AbortSignal) => Promise<Reply>): Served {
  return {
    card,
    together: false,
    answer: (jobs, signalOf) =>
      Promise.all(
        jobs.map((job) =>
          answer(job, signalOf(job)).then(
            (reply) => ({ reply }),
            (error) => ({ error: toWire(error) }),
          ),
        ),
      ),
  };
}

async function pictureIn(
  job: Job,
  preprocess: Preprocess,
  limits: LoadOptions,
  { maxRender }: Bounds,
  signal: AbortSignal,
): Promise<Picture> {
  checkUpload(job.file);
  throwIfAborted(signal);
  const picture = await decode(job.file, limits);
  throwIfAborted(signal);
  if (!hasOneSize(preprocess)) checkInputSize(picture, preprocess, limits.canvas);
  checkRendering(picture, mapsOf(job), passesOf(job), maxRender);
  return picture;
}
