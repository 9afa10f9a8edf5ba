/** @file The place of a model: the bundled one is fetched when it is first needed, and a person's own may take its place. */
import type { ModelSource } from "gradcam/web";

interface Sitting<T> {
  readonly model: T;
  readonly own: boolean;
}

export class Seat<T extends { release(): Promise<void> }, Opening> {
  #taken: Sitting<T> | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly bundled: string,
    private readonly load: (source: ModelSource, opening: Opening) => Promise<T>,
  ) {}

  /** Uses come one after another, so that none loses its model on the way. */
  use<R>(opening: Opening, work: (model: T, own: boolean) => Promise<R>): Promise<R> {
    return this.#next(async () => {
      this.#taken ??= { model: await this.load(this.bundled, opening), own: false };
      return work(this.#taken.model, this.#taken.own);
    });
  }

  /** The model that sits here stays where the new one cannot be opened. */
  give(files: readonly File[] | undefined, opening: Opening): Promise<T> {
    return this.#next(async () => {
      const model = await this.load(files ?? this.bundled, opening);
      const before = this.#taken;
      this.#taken = { model, own: files !== undefined };
      await before?.model.release();
      return model;
    });
  }

  #next<R>(work: () => Promise<R>): Promise<R> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}
