/** @file Maps of an answerer's answers on scenes whose objects are known: where their peaks lie, and whether occlusion agrees. */

import { spearman } from "../../dist/array/correlation.js";
import { mean } from "../../dist/array/statistics.js";
import { patchStarts, usualPatch } from "../../dist/methods/occlusion.js";
import { loadAnswerer } from "../../dist/node.js";
import { fitting, makeScene, paint, parseQuestion, questions, questionText } from "../../dist/scenes/index.js";
import { Place } from "./measures.mjs";

/** Graphs are made for questions of one length: those of one length are asked one after the other. */
const byLength = (asked) => asked.toSorted((a, b) => a.text.split(" ").length - b.text.split(" ").length);

/** The scenes of seeds, and their pictures when they are needed. */
const seen = (seeds) =>
  seeds.map((seed) => {
    const scene = makeScene(seed);
    return { seed, scene, painting: () => paint(scene) };
  });

/**
 * A record for each question about objects that are there, and each method.
 * @returns {AsyncGenerator} `{ done, seed, method, kind, right, hit, correlation, coarse, random, centre }`: `done` of all work, 0 to 1; the peak is on
 *   an object that was asked about; the rank correlation is that with the answer's occlusion map, over the picture's pixels; `coarse`: of the map seen through the same patches
 */
export async function* answerMaps({ source, layer, session, seeds, methods }) {
  const answerer = await loadAnswerer(source, { layer, session });
  const all = seen(seeds).flatMap((shown) =>
    questions(shown.scene).map((question) => ({ ...shown, ...question, objects: objectsOf(shown.scene, question) })),
  );
  const asked = byLength(all.filter(({ objects }) => objects.length > 0));
  for (const [i, { seed, scene, kind, text, answer, objects, painting }] of asked.entries()) {
    const painted = painting();
    const place = placeOf(scene, painted, objects);
    const { explanations } = await answerer.ask(painted.picture, text, { method: [...methods, "occlusion"] });
    const drops = explanations[explanations.length - 1].onPicture.data;
    for (const one of explanations.slice(0, -1))
      yield {
        ...{ done: i / asked.length, seed, method: one.method, layer: one.layer, kind, right: one.label === answer },
        hit: place.has(one.peak),
        correlation: one.blank ? undefined : spearman(one.onPicture.data, drops),
        coarse: one.blank ? undefined : spearman(throughPatches(one.onPicture), drops),
        random: place.random,
        centre: place.centre,
      };
  }
  await answerer.release();
}

/** What occlusion would show of a map: the mean over each patch, and for a pixel the mean of its patches. */
function throughPatches({ width, height, data }) {
  const { patch: size } = usualPatch;
  const [out, covered] = [new Float64Array(data.length), new Float64Array(data.length)];
  for (const top of patchStarts(height))
    for (const left of patchStarts(width)) {
      const pixels = [];
      for (let y = top; y < Math.min(height, top + size); y++)
        for (let x = left; x < Math.min(width, left + size); x++) pixels.push(y * width + x);
      const patch = mean(pixels.map((p) => data[p]));
      for (const p of pixels) {
        out[p] += patch;
        covered[p]++;
      }
    }
  return out.map((total, p) => total / covered[p]);
}

/** The objects that a question is about. */
function objectsOf(scene, { text }) {
  const { of, a, b } = parseQuestion(text);
  return [of, a, b].filter(Boolean).flatMap((description) => fitting(scene, description));
}

/**
 * A record for each two objects of a scene: what colour, or shape, the one is, and then the other; by the first method.
 * @returns {AsyncGenerator} `{ done, seed, kind, before, after, stayed, random, centre }`: the first peak was on the first object; the second
 *   is on the second; the second is on the first still
 */
export async function* movedQuestions({ source, layer, session, seeds, methods: [method] }) {
  const answerer = await loadAnswerer(source, { layer, session });
  const asked = byLength(
    seen(seeds).flatMap((shown) =>
      ["colour", "shape"].flatMap((kind) =>
        shown.scene.objects.flatMap((object) => {
          const of = nameOf(shown.scene, object, kind);
          return of ? [{ ...shown, kind, object, text: questionText({ kind, of }) }] : [];
        }),
      ),
    ),
  );
  const answered = [];
  for (const { seed, scene, kind, object, text, painting } of asked) {
    const painted = painting();
    const { explanations } = await answerer.ask(painted.picture, text, { method });
    answered.push({ seed, kind, peak: explanations[0].peak, place: placeOf(scene, painted, [object]) });
  }
  await answerer.release();
  for (const [i, from] of answered.entries())
    for (const to of answered)
      if (from !== to && from.seed === to.seed && from.kind === to.kind)
        yield {
          ...{ done: i / answered.length, seed: to.seed, kind: to.kind },
          before: from.place.has(from.peak),
          after: to.place.has(to.peak),
          stayed: from.place.has(to.peak),
          random: to.place.random,
          centre: to.place.centre,
        };
}

/** The shortest description that fits this object alone and does not say what is asked. */
function nameOf(scene, { size, texture, colour, shape }, asked) {
  const noun = asked === "colour" ? { shape } : { colour };
  const names = [
    noun,
    { size, ...noun },
    ...(texture === "plain"
      ? []
      : [
          { texture, ...noun },
          { size, texture, ...noun },
        ]),
  ];
  return names.find((name) => fitting(scene, name).length === 1);
}

const placeOf = (scene, painting, objects) =>
  new Place(
    painting,
    objects.map((object) => scene.objects.indexOf(object)),
  );
