/**
 * @file A scene of which everything is known: what is where, what may be said of it, and what may not.
 *
 *     node examples/a-world-with-truth.mjs [SEED]
 */
import { answerTo, captions, isTrue, makeScene, paint, phrase, questions } from "gradcam/scenes";

const opposite = { "left of": "right of", "right of": "left of", above: "below", below: "above" };

const scene = makeScene(Number(process.argv[2] ?? 9));
const { picture, masks } = paint(scene);

console.log(`a picture of ${picture.width} x ${picture.height} pixels with`);
scene.objects.forEach(({ shape, colour, size, texture }, i) => {
  const seen = masks[i].reduce((sum, on) => sum + on, 0);
  console.log(`- a ${phrase({ size, colour, shape })}, ${texture}, seen in ${seen} pixels`);
});

const [caption] = captions(scene);
const turned = caption.replace(/left of|right of|above|below/, (word) => opposite[word]);
console.log(`"${caption}" is ${isTrue(scene, caption)}, "${turned}" is ${isTrue(scene, turned)}`);
for (const { text, answer } of questions(scene)) console.log(`${text}? ${answer}`);
console.log(`is there a purple star? ${answerTo(scene, "is there a purple star?")}`);
