/** @file Maps of a captioner's words on scenes whose objects are known: where their peaks lie, and how much of them. */
import { loadCaptioner } from "../../dist/node.js";
import {
  colours,
  fits,
  isTrue,
  makeScene,
  paint,
  parseCaption,
  phrase,
  related,
  relations,
  shapes,
  sizes,
  textures,
} from "../../dist/scenes/index.js";
import { Place } from "./measures.mjs";

const properties = { colour: colours, shape: shapes, size: sizes, texture: textures };
const relating = new Set(relations.map((relation) => relation.split(" ")[0]));

/**
 * A record for each method and each word, or noun phrase, that says something of an object, in captions that are true.
 * @returns {AsyncGenerator} `{ done, seed, method, what, described, fitting, other, ratio, random, centre }`: `done` of all work, 0 to 1; `what` is the word's kind, or
 *   "phrase"; the peak is on the object that the phrase describes; on any object of which the word is true; on the caption's other object
 */
export async function* captionMaps({ source, layer, session, seeds, methods }) {
  const captioner = await loadCaptioner(source, { layer, session });
  for (const [i, seed] of seeds.entries()) {
    const scene = makeScene(seed);
    const painting = paint(scene);
    const words = await captioner.explain(painting.picture, { method: methods });
    const { text } = words.caption;
    if (!isTrue(scene, text)) continue;
    const claim = parseCaption(text);
    const { subject, object } = claim;
    const phrases = await captioner.explain(painting.picture, {
      caption: text,
      words: [...new Set([subject, object].map(phrase))],
      method: methods,
    });
    const said = words.explanations.filter(({ kind }) => kind === "word");
    const between = said.find((word) => relating.has(word.text)).tokens[0];
    const places = placesOf(scene, painting, claim);
    for (const one of [...said, ...phrases.explanations]) {
      const what = one.text.includes(" ") ? "phrase" : kindOf(one.text);
      if (!what) continue;
      const [own, other] = one.tokens[0] < between ? [subject, object] : [object, subject];
      const description = what === "phrase" ? own : { [what]: one.text };
      const [described, fitting] = [places.of(own), places.fitting(description)];
      yield {
        ...{ done: i / seeds.length, seed, method: one.method, layer: one.layer, what },
        described: described.has(one.peak),
        fitting: fitting.has(one.peak),
        other: places.of(other).has(one.peak),
        ratio: described.ratio(one.onPicture),
        random: { described: described.random, fitting: fitting.random },
        centre: { described: described.centre, fitting: fitting.centre },
      };
    }
  }
  await captioner.release();
}

const kindOf = (word) => Object.keys(properties).find((kind) => properties[kind].includes(word));

/** Where the objects are that a claim is about: of every two objects of which it is true. */
function placesOf(scene, painting, claim) {
  const indices = scene.objects.map((_, k) => k);
  const pairs = indices
    .flatMap((i) => indices.map((j) => [i, j]))
    .filter(([i, j]) => {
      const [a, b] = [scene.objects[i], scene.objects[j]];
      return i !== j && fits(a, claim.subject) && fits(b, claim.object) && related(a, claim.relation, b);
    });
  const made = {
    subject: new Place(
      painting,
      pairs.map(([i]) => i),
    ),
    object: new Place(
      painting,
      pairs.map(([, j]) => j),
    ),
  };
  return {
    of: (description) => (description === claim.subject ? made.subject : made.object),
    fitting: (description) =>
      new Place(
        painting,
        indices.filter((k) => fits(scene.objects[k], description)),
      ),
  };
}
