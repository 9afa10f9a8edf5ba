/** @file Captions and answers about scenes: the two models, opened when they are first asked, and what the page gets of them. */

import { paint, type Scene } from "gradcam/scenes";
import {
  type Answered,
  type Captioned,
  type LoadedAnswerer,
  type LoadedCaptioner,
  loadAnswerer,
  loadCaptioner,
} from "gradcam/web";
import type { Progress, Replied, Told } from "./contract.ts";
import type { StartedRuntime } from "./runtime.ts";

/** Pixels of the scenes that the models have learnt from, across and down. */
const pixels = 96;

interface Opening {
  readonly onProgress: (progress: Progress) => void;
}

export class Narration {
  #captioner: Promise<LoadedCaptioner> | undefined;
  #answerer: Promise<LoadedAnswerer> | undefined;

  constructor(
    private readonly base: string,
    private readonly runtime: StartedRuntime,
    private readonly onNotKept: () => void,
  ) {}

  async caption(scene: Scene, opening: Opening): Promise<Told> {
    this.#captioner ??= loadCaptioner(`${this.base}models/scenes-captioner/`, this.#options(opening));
    this.#captioner.catch(() => {
      this.#captioner = undefined;
    });
    const { captioner } = await this.#captioner;
    return told(captioner.name, await captioner.explain(paint(scene, pixels).picture));
  }

  async reply(scene: Scene, question: string, opening: Opening): Promise<Replied> {
    this.#answerer ??= loadAnswerer(`${this.base}models/scenes-answerer/`, this.#options(opening));
    this.#answerer.catch(() => {
      this.#answerer = undefined;
    });
    const { answerer } = await this.#answerer;
    return replied(answerer.name, await answerer.ask(paint(scene, pixels).picture, question, { answers: ["top5"] }));
  }

  #options({ onProgress }: Opening) {
    const { ort, session } = this.runtime;
    const what = "Fetching the model";
    const progress = (done: number, of: number) => onProgress({ done: done / of, what });
    return { ort, session, onProgress: progress, onNotKept: this.onNotKept };
  }
}

function told(model: string, { caption, explanations }: Captioned): Told {
  return {
    model,
    text: caption.text,
    words: explanations.map(({ kind, text, logProbability, map, blank }) => ({
      text,
      whole: kind === "caption",
      probability: Math.exp(logProbability),
      map,
      ...(blank && { blank }),
    })),
  };
}

function replied(model: string, { predictions, explanations }: Answered): Replied {
  return {
    model,
    answers: explanations.map(({ class: index, label, map, blank }) => ({
      text: label,
      probability: predictions.find((one) => one.class === index)?.probability ?? Number.NaN,
      map,
      ...(blank && { blank }),
    })),
  };
}
