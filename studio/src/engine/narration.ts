/** @file Captions and answers: the bundled models, or a person's own in their place, and what the page gets of them. */

import { paint, type Scene } from "gradcam/scenes";
import {
  type Answered,
  type Captioned,
  type LoadedAnswerer,
  type LoadedCaptioner,
  loadAnswerer,
  loadCaptioner,
  type Picture,
} from "gradcam/web";
import type { LanguageTask, NarratorInfo, Progress, Replied, Told } from "./contract.ts";
import { shareOf } from "./contract.ts";
import type { StartedRuntime } from "./runtime.ts";
import { Seat } from "./seat.ts";

/** Pixels of scenes, across and down: as the bundled models have learnt them, and as others may want them. */
const pixels = { bundled: 96, own: 320 } as const;

interface Opening {
  readonly onProgress: (progress: Progress) => void;
}

export class Narration {
  readonly #captioner: Seat<LoadedCaptioner, Opening>;
  readonly #answerer: Seat<LoadedAnswerer, Opening>;

  constructor(
    base: string,
    private readonly runtime: StartedRuntime,
    private readonly onNotKept: () => void,
  ) {
    this.#captioner = new Seat(`${base}models/scenes-captioner/`, (source, opening) =>
      loadCaptioner(source, this.#options(opening)),
    );
    this.#answerer = new Seat(`${base}models/scenes-answerer/`, (source, opening) =>
      loadAnswerer(source, this.#options(opening)),
    );
  }

  /** A person's own model takes the bundled one's place when it is open; without files the bundled one is back. */
  async open(task: LanguageTask, files: readonly File[] | undefined, opening: Opening): Promise<NarratorInfo> {
    if (task === "caption") {
      const { captioner, assumed } = await this.#captioner.give(files, opening);
      return { name: captioner.name, assumed };
    }
    const { answerer, assumed } = await this.#answerer.give(files, opening);
    return { name: answerer.name, assumed };
  }

  caption(subject: Scene | Picture, opening: Opening): Promise<Told> {
    return this.#captioner.use(opening, async ({ captioner }, own) =>
      told(captioner.name, await captioner.explain(seen(subject, own))),
    );
  }

  reply(subject: Scene | Picture, question: string, opening: Opening): Promise<Replied> {
    return this.#answerer.use(opening, async ({ answerer }, own) =>
      replied(answerer.name, await answerer.ask(seen(subject, own), question, { answers: ["top5"] })),
    );
  }

  #options({ onProgress }: Opening) {
    const { ort, session } = this.runtime;
    const what = "Fetching the model";
    const progress = (done: number, of: number) => onProgress({ done: shareOf(done, of), what });
    return { ort, session, onProgress: progress, onNotKept: this.onNotKept };
  }
}

const seen = (subject: Scene | Picture, own: boolean): Picture =>
  "objects" in subject ? paint(subject, own ? pixels.own : pixels.bundled).picture : subject;

function told(model: string, { caption, explanations, geometry }: Captioned): Told {
  return {
    model,
    geometry,
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

function replied(model: string, { predictions, explanations, geometry }: Answered): Replied {
  return {
    model,
    geometry,
    answers: explanations.map(({ class: index, label, map, blank }) => ({
      text: label,
      probability: predictions.find((one) => one.class === index)?.probability ?? Number.NaN,
      map,
      ...(blank && { blank }),
    })),
  };
}
