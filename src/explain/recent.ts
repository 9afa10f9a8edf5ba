/** @file The last few of what is costly to open, as sessions for sentences of one length are. */

/** What falls out is released. */
export class Recent<K, T extends { release(): Promise<void> }> {
  /** The last used last. */
  readonly #kept = new Map<K, Promise<T>>();

  constructor(private readonly most: number) {}

  /** What is open under a key, or is opened now. */
  get(key: K, open: () => Promise<T>): Promise<T> {
    const known = this.#kept.get(key);
    this.#kept.delete(key);
    const made = known ?? open();
    this.#kept.set(key, made);
    if (!known) made.catch(() => this.#kept.delete(key));
    if (this.#kept.size > this.most) {
      const [[oldest, unused]] = this.#kept;
      this.#kept.delete(oldest);
      unused.then((one) => one.release()).catch(() => undefined);
    }
    return made;
  }

  async release(): Promise<void> {
    const all = [...this.#kept.values()];
    this.#kept.clear();
    for (const one of all) await (await one).release();
  }
}
