/** @file How long a fuzzer goes on: a fixed number of cases in continuous integration, or as many seconds as the command says. */
const seconds = Number(process.env.FUZZ_SECONDS ?? 0);
/** The first case's seed; each following case has the next one. */
export const firstSeed = Number(process.env.FUZZ_SEED ?? 1);

/** A limit for the test that goes through {@link seeds}. */
export const timeout = (seconds + 120) * 1000;

/** The seeds of the cases, as many as `count` without a time. */
export function* seeds(count: number): Generator<number> {
  const end = performance.now() + seconds * 1000;
  for (let i = 0; seconds > 0 ? performance.now() < end : i < count; i++) yield firstSeed + i;
}
