/**
 * @file Captions, "a small red circle left of a striped blue square", and whether one is true of a scene.
 */

import { type Description, describe, fits, mainRelation, parsePhrase, phrase, related } from "./describe.ts";
import { seeded } from "./random.ts";
import type { Scene } from "./scene.ts";
import { type Relation, relations } from "./words.ts";

/** What a caption says. */
export interface Claim {
  readonly subject: Description;
  readonly relation: Relation;
  readonly object: Description;
}

/** Captions of a scene, each of two of its objects, all true. Drawn by the scene's seed; the first ones stay the same for any count. */
export function captions(scene: Scene, count = 1): string[] {
  const random = seeded(scene.seed, 2);
  return Array.from({ length: count }, () => {
    const [a, b] = random.shuffle(scene.objects);
    return captionOf({ subject: describe(a, random), relation: mainRelation(a, b), object: describe(b, random) });
  });
}

export function captionOf({ subject, relation, object }: Claim): string {
  return `a ${phrase(subject)} ${relation} a ${phrase(object)}`;
}

/** What a caption says, or undefined where it is not a sentence of this world. Case and spacing do not matter. */
export function parseCaption(text: string): Claim | undefined {
  const words = text.toLowerCase().trim().split(/\s+/).join(" ");
  for (const relation of relations) {
    const parts = words.split(` ${relation} `);
    if (parts.length !== 2) continue;
    const [subject, object] = parts.map((part) => {
      const [article, ...rest] = part.split(" ");
      return article === "a" ? parsePhrase(rest) : undefined;
    });
    return subject && object && { subject, relation, object };
  }
  return undefined;
}

/**
 * Whether a caption is true of a scene: there are two different objects of which every attribute and the relation hold.
 * False of what is not a sentence.
 */
export function isTrue(scene: Scene, caption: string): boolean {
  const claim = parseCaption(caption);
  if (!claim) return false;
  return scene.objects.some(
    (a) =>
      fits(a, claim.subject) &&
      scene.objects.some((b) => a !== b && fits(b, claim.object) && related(a, claim.relation, b)),
  );
}
