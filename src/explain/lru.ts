/** @file The last few of what is costly to make, such as the shapes of a network at one size of picture. What falls out is forgotten. */
export class Lru<K, T> {
  readonly #kept = new Map<K, Promise<T>>();

  constructor(private readonly most: number) {}

  /** What is kept under a key, or is made now; what could not be made is not kept. */
  get(key: K, make: () => Promise<T>): Promise<T> {
    const known = this.#kept.get(key);
    this.#kept.delete(key);
    const made = known ?? make();
    this.#kept.set(key, made);
    if (!known) made.catch(() => this.#kept.delete(key));
    for (const oldest of this.#kept.keys()) if (this.#kept.size > this.most) this.#kept.delete(oldest);
    return made;
  }
}
