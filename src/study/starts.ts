/**
 * @file How many may begin from one address at once, so that nobody takes all places of a study by pressing "Begin". Addresses are not
 * kept: in memory alone stands a hash under a key that dies with the process.
 */
import { createHmac, randomBytes } from "node:crypto";
import { isIPv6 } from "node:net";

/** Starts of one address without an answer; a first answer gives its start back, and time does, one in so many milliseconds. */
const atOnce = 20;
const regrowth = 30_000;
/** What is remembered at most: addresses, and participants who have not answered. The oldest are forgotten first. */
const mostAddresses = 4096;
const mostBegun = 16_384;

/** Somebody who holds a place and has not answered yet. */
export interface Waiting {
  readonly id: string;
  readonly seen: number;
}

export class Starts {
  readonly #key = randomBytes(32);
  readonly #left = new Map<string, { readonly count: number; readonly at: number }>();
  readonly #begun = new Map<string, string>();

  constructor(private readonly now: () => number = Date.now) {}

  /** Takes one of an address's starts. @returns when there is one again, where none is left */
  take(address: string): number | undefined {
    const now = this.now();
    const who = this.#hashed(address);
    const { count, at } = this.#regrown(who, now);
    if (count < 1) return Math.ceil(at + (1 - count) * regrowth);
    this.#keep(who, count - 1, now);
    return undefined;
  }

  /** Notes who began from where. */
  begun(id: string, address: string): void {
    remember(this.#begun, id, this.#hashed(address), mostBegun);
  }

  /** Somebody has answered, and means it. */
  answered(id: string): void {
    const who = this.#begun.get(id);
    if (who === undefined) return;
    this.#begun.delete(id);
    const now = this.now();
    this.#keep(who, Math.min(atOnce, this.#regrown(who, now).count + 1), now);
  }

  /**
   * When all places are taken: who gives way to somebody from this address. It is the one who has waited longest of the address that
   * holds most places without an answer, if that is two more than here: a flood yields to everybody else, and two people never push
   * each other out in turn.
   */
  yields(waiting: readonly Waiting[], address: string): string | undefined {
    const groups = new Map<string, Waiting[]>();
    for (const one of waiting) {
      // Who began before this process did, from wherever it was.
      const who = this.#begun.get(one.id) ?? "";
      const group = groups.get(who);
      if (group) group.push(one);
      else groups.set(who, [one]);
    }
    const own = groups.get(this.#hashed(address))?.length ?? 0;
    const largest = [...groups.values()].reduce<Waiting[]>((most, one) => (one.length > most.length ? one : most), []);
    if (largest.length < own + 2) return undefined;
    return largest.reduce((oldest, one) => (one.seen < oldest.seen ? one : oldest)).id;
  }

  #regrown(who: string, now: number): { count: number; at: number } {
    const { count, at } = this.#left.get(who) ?? { count: atOnce, at: now };
    return { count: Math.min(atOnce, count + Math.max(0, now - at) / regrowth), at: now };
  }

  #keep(who: string, count: number, at: number): void {
    remember(this.#left, who, { count, at }, mostAddresses);
  }

  #hashed(address: string): string {
    return createHmac("sha256", this.#key).update(networkOf(address)).digest("base64url");
  }
}

function remember<V>(map: Map<string, V>, key: string, value: V, most: number): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > most) map.delete(map.keys().next().value as string);
}

/** An address as it is limited: of IPv6 the first 64 bits, which one connection has for itself. */
export function networkOf(address: string): string {
  // Proxies write ports and brackets too.
  const [, bare = address] = /^\[([^\]]*)\](?::\d+)?$/.exec(address) ?? /^([\d.]+):\d+$/.exec(address) ?? [];
  const [, mapped] = /^::ffff:([\d.]+)$/i.exec(bare) ?? [];
  if (mapped) return mapped;
  const [plain] = bare.split("%");
  if (!isIPv6(plain)) return bare;
  const [head, tail] = plain.toLowerCase().split("::");
  const groups = (part: string | undefined) => (part ? part.split(":") : []);
  const zeros = tail === undefined ? 0 : 8 - groups(head).length - groups(tail).length - Number(plain.includes("."));
  const all = [...groups(head), ...Array<string>(Math.max(0, zeros)).fill("0"), ...groups(tail)];
  return all
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":");
}
