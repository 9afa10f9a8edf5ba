/**
 * @file Draws questions about a scene, with answers balanced as far as the scene allows.
 */

import { type Description, describe, fitting, mainRelation } from "./describe.ts";
import { answerTo, type Question, type QuestionKind, questionKinds, questionText } from "./question.ts";
import { type Random, seeded } from "./random.ts";
import type { Scene, SceneObject } from "./scene.ts";
import { type Answer, colours, type Relation, shapes, sizes } from "./words.ts";

/** A question about a scene and its answer. */
export interface Asked {
  readonly kind: QuestionKind;
  readonly text: string;
  readonly answer: Answer;
}

/**
 * Questions about a scene, `rounds` of every kind; a kind that cannot be asked of the scene is left out of a round.
 * Drawn by the scene's seed; the first rounds stay the same for any number.
 */
export function questions(scene: Scene, rounds = 1): Asked[] {
  const random = seeded(scene.seed, 3);
  return Array.from({ length: rounds }, () => questionKinds)
    .flat()
    .flatMap((kind) => {
      // Several draws, since "the red circle" must be one object.
      for (let tries = 0; tries < 12; tries++) {
        const question = draws[kind](scene, random);
        const answer = question && answerTo(scene, question);
        if (answer) return [{ kind, text: questionText(question), answer }];
      }
      return [];
    });
}

type Draw = (scene: Scene, random: Random) => Question | undefined;

const draws: Readonly<Record<QuestionKind, Draw>> = {
  colour: (scene, random) => {
    const of = describe(random.pick(scene.objects), random, { colour: false, shape: true });
    return { kind: "colour", of };
  },
  shape: (scene, random) => {
    const of = describe(random.pick(scene.objects), random, { colour: true, shape: false });
    return { kind: "shape", of };
  },
  existence: (scene, random) => {
    const present = vague(random.pick(scene.objects), random);
    return { kind: "existence", of: random.chance(50) ? present : absent(scene, present, random) };
  },
  count: (scene, random) => {
    // Half of the questions are about what several objects share.
    const of = vague(random.pick(scene.objects), random);
    const many = fitting(scene, of).length > 1;
    if (!many && random.chance(50)) return undefined;
    return { kind: "count", of: random.chance(20) ? absent(scene, of, random) : of };
  },
  relation: (scene, random) => {
    const [a, b] = random.shuffle(scene.objects);
    const relation = mainRelation(a, b);
    return {
      kind: "relation",
      a: describe(a, random),
      relation: random.chance(50) ? relation : opposite[relation],
      b: describe(b, random),
    };
  },
  comparison: (scene, random) => {
    const by = random.pick(["bigger", "same colour", "more"] as const);
    const [a, b] = random.shuffle(scene.objects);
    if (by === "more") {
      const kinds = random.shuffle(shapes.filter((shape) => scene.objects.some((object) => object.shape === shape)));
      const [first, second = random.pick(shapes.filter((shape) => shape !== kinds[0]))] = kinds;
      return { kind: "comparison", by, a: { shape: first }, b: { shape: second } };
    }
    if (by === "bigger") {
      if (a.size === b.size) return undefined;
      const say = (object: SceneObject) => ({ colour: object.colour, shape: object.shape });
      return { kind: "comparison", by, a: say(a), b: say(b) };
    }
    // Equal colours are rare: they are looked for in half of the draws.
    const same = a.colour === b.colour;
    if (!same && random.chance(60)) return undefined;
    const say = (object: SceneObject) => describe(object, random, { colour: false, shape: true });
    return { kind: "comparison", by, a: say(a), b: say(b) };
  },
};

const opposite: Readonly<Record<Relation, Relation>> = {
  "left of": "right of",
  "right of": "left of",
  above: "below",
  below: "above",
};

/** One to three things said of an object. */
function vague({ size, texture, colour, shape }: SceneObject, random: Random): Description {
  const said: Description = {
    ...(random.chance(25) && { size }),
    ...(texture !== "plain" && random.chance(25) && { texture }),
    ...(random.chance(60) && { colour }),
    ...(random.chance(60) && { shape }),
  };
  return Object.keys(said).length > 0 ? said : { colour };
}

/** The description with one thing changed, so that it fits nothing; or unchanged where chance does not find such a one. */
function absent(scene: Scene, present: Description, random: Random): Description {
  for (let tries = 0; tries < 12; tries++) {
    const key = random.pick(Object.keys(present) as (keyof Description)[]);
    const other = {
      size: random.pick(sizes),
      texture: random.pick(["striped", "dotted"] as const),
      colour: random.pick(colours),
      shape: random.pick(shapes),
    }[key];
    const changed = { ...present, [key]: other };
    if (fitting(scene, changed).length === 0) return changed;
  }
  return present;
}
