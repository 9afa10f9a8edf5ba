/** @file Timing in one process: contenders in turn, with a pause between them so that no thread pool spins into the next one's time. */

export const pause = (ms = 50) => new Promise((resolve) => setTimeout(resolve, ms));

export const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

/** By the clock on the wall. */
export async function milliseconds(work) {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** Time on the processor, for machines that do other things meanwhile; of sessions of one thread, whose pools do not spin. */
export async function processorMilliseconds(work) {
  const start = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

/**
 * Runs every contender twice a round, in turn, and counts the second time: the first wakes the cores and warms the caches again
 * after the pause. The first round is not counted.
 * @returns by name: the milliseconds of each round.
 */
export async function inTurn(contenders, rounds, timed = milliseconds) {
  const times = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
  for (let round = 0; round <= rounds; round++)
    for (const [name, work] of Object.entries(contenders)) {
      await pause();
      await work();
      const took = await timed(work);
      if (round > 0) times[name].push(took);
    }
  return times;
}

/** The median of a contender's ratios to another, round by round. */
export const ratio = (times, of, to) => median(times[of].map((t, i) => t / times[to][i]));
