/** @file Work that follows the hand: while one piece is under way only the newest of those that come meanwhile is kept. */

/** Runs `work` for the newest value; older ones that have not begun are dropped. */
export function latest<T>(work: (value: T) => Promise<void>): (value: T) => void {
  let next: { value: T } | undefined;
  let busy = false;
  const run = async () => {
    busy = true;
    while (next) {
      const { value } = next;
      next = undefined;
      await work(value);
    }
    busy = false;
  };
  return (value) => {
    next = { value };
    if (!busy) void run();
  };
}
