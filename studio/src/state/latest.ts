/** @file Work that follows the hand: while one piece is under way only the newest of those that come meanwhile is kept. */

/**
 * Runs `work` for the newest value; older ones that have not begun are dropped.
 * @returns what takes a value, and resolves when nothing is left to do
 */
export function latest<T>(work: (value: T) => Promise<void>): (value: T) => Promise<void> {
  let next: { value: T } | undefined;
  let running: Promise<void> | undefined;
  const run = async () => {
    while (next) {
      const { value } = next;
      next = undefined;
      await work(value);
    }
    running = undefined;
  };
  return (value) => {
    next = { value };
    running ??= run();
    return running;
  };
}
