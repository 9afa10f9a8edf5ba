/**
 * @file Seeded randomness, the same in every engine and for all time: scenes, shuffled networks and figures of evaluations are made of it.
 *
 * Of a named stream the numbers do not depend on the order of the work: it is called by what it is for, e.g. a picture and a metric, and the
 * same numbers come on one worker or on ten, before and after a resumed run. Where a whole number is the seed, they come from Mulberry32.
 * Not for secrets.
 */

/** Numbers of one stream. */
export interface Random {
  /** Uniform in [0, 1). */
  uniform(): number;
  /** Standard normal. */
  normal(): number;
  /** A whole number of 0 .. below - 1. */
  below(limit: number): number;
  /** `count` of 0 .. total - 1, without repetition, in random order. */
  choose(count: number, total: number): Uint32Array;
}

/** The stream of this name. */
export function randomFor(...name: readonly (string | number)[]): Random {
  const next = sfc32(...hash(JSON.stringify(name)));
  const uniform = () => next() / 2 ** 32;
  const below = (limit: number) => Math.floor(uniform() * limit);
  return {
    uniform,
    below,
    normal: () => normalFrom(uniform),
    choose(count, total) {
      const all = Uint32Array.from({ length: total }, (_, i) => i);
      for (let i = 0; i < count; i++) {
        const j = i + below(total - i);
        [all[i], all[j]] = [all[j], all[i]];
      }
      return all.subarray(0, count);
    },
  };
}

/** Box and Muller 1958. */
const normalFrom = (uniform: () => number): number =>
  Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());

/** Standard normal numbers of one seed. */
export function randomNormal(seed: number): (count: number) => Float32Array {
  const uniform = uniformFrom(seed + 0x9e3779b9);
  return (count) => Float32Array.from({ length: count }, () => normalFrom(uniform));
}

/** Uniform numbers in [0, 1), of Mulberry32 (Ettinger 2017), whose state is one number of 32 bits. */
export function uniformFrom(state: number): () => number {
  let at = state;
  return () => {
    at = (at + 0x6d2b79f5) | 0;
    return mixed(at) / 0x1_0000_0000; // scenes are bundled where ** is not trusted to be exact
  };
}

/** 32 bits in which every bit of a number of 32 bits has its part. */
export function mixed(value: number): number {
  let t = Math.imul(value ^ (value >>> 15), value | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return (t ^ (t >>> 14)) >>> 0;
}

/** Fisher and Yates, in place. */
export function shuffle<T>(items: { [index: number]: T; readonly length: number }, uniform: () => number): void {
  for (let i = items.length - 1; i > 0; i--) {
    const j = Math.floor(uniform() * (i + 1));
    [items[i], items[j]] = [items[j] as T, items[i] as T];
  }
}

/** 128 bits of a text: FNV-1a in four lanes that begin and step differently. */
function hash(text: string): [number, number, number, number] {
  const lanes: [number, number, number, number] = [0x811c9dc5, 0x9e3779b9, 0x85ebca6b, 0xc2b2ae35];
  const bytes = new TextEncoder().encode(text);
  for (const byte of bytes)
    for (let k = 0; k < 4; k++) {
      lanes[k] = Math.imul(lanes[k] ^ (byte + 31 * k), 0x01000193);
      lanes[k] ^= lanes[k] >>> 15;
    }
  return lanes;
}

/** Small Fast Counter, 32 bit (Doty-Humphrey, PractRand). */
function sfc32(a0: number, b0: number, c0: number, d0: number): () => number {
  let [a, b, c, d] = [a0 | 0, b0 | 0, c0 | 0, d0 | 0];
  const next = () => {
    const sum = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    c |= 0;
    return sum >>> 0;
  };
  for (let i = 0; i < 12; i++) next();
  return next;
}
