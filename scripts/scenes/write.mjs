/**
 * @file Writes a data set of scenes for the training scripts: pictures, captions, questions and answers, as bytes.
 *
 *     npm run build && node scripts/scenes/write.mjs DIRECTORY [--first SEED] [--count N]
 *
 * - pictures.u8   [N, 96, 96, 3]   RGB
 * - captions.u8   [N, 15]          word ids with start and end, padded with 0
 * - questions.u8  [N, 12, 16]      word ids, padded with 0; a row of zeros where a kind could not be asked
 * - answers.u8    [N, 12]          index into the list of answers
 * - kinds.u8      [N, 12]          index into the list of kinds
 * - objects.u8    [N, 4, 4]        1 + shape, colour, size, texture of each object; zeros where there is none
 * - world.json                     the sizes above, vocabulary, answers, kinds
 */
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { mainRelation } from "../../dist/scenes/describe.js";
import {
  answers,
  captionOf,
  colours,
  makeScene,
  paint,
  questionKinds,
  questions,
  shapes,
  sizes,
  specialTokens,
  textures,
  vocabulary,
} from "../../dist/scenes/index.js";
import { asked, ByteFiles } from "./data-files.mjs";

const { directory, first, count } = asked("write.mjs");
const [side, captionLength, rounds, questionLength] = [96, 15, 2, 16];
const questionCount = rounds * questionKinds.length;

const files = await ByteFiles.in(directory, ["pictures", "captions", "questions", "answers", "kinds", "objects"]);
const started = Date.now();
for (let i = 0; i < count; i++) {
  const scene = makeScene(first + i);
  const posed = questions(scene, rounds);
  await files.write({
    pictures: paint(scene, side).picture.data,
    captions: block(1, captionLength, [captionIds(told(scene))]),
    questions: block(
      questionCount,
      questionLength,
      posed.map(({ text }) => text.split(" ").map(id)),
    ),
    answers: block(1, questionCount, [posed.map(({ answer }) => answers.indexOf(answer))]),
    kinds: block(1, questionCount, [posed.map(({ kind }) => questionKinds.indexOf(kind))]),
    objects: block(
      4,
      4,
      scene.objects.map(({ shape, colour, size, texture }) => [
        1 + shapes.indexOf(shape),
        1 + colours.indexOf(colour),
        1 + sizes.indexOf(size),
        1 + textures.indexOf(texture),
      ]),
    ),
  });
  if ((i + 1) % 5000 === 0) {
    const seconds = (Date.now() - started) / 1000;
    console.error(`${i + 1} of ${count}, ${Math.round((seconds / (i + 1)) * (count - i - 1))} s to go`);
  }
}
await files.close();
const world = { side, count, first, captionLength, questionCount, questionLength };
await writeFile(
  path.join(directory, "world.json"),
  JSON.stringify({ ...world, vocabulary, specialTokens, answers, kinds: questionKinds }, null, 2),
);

/**
 * What a captioner learns to say: everything of two objects, the big ones first, and of one size those further left. Since the picture
 * decides which objects are spoken of, the part of a network that sees it can tell them from others; drawn by chance, it could not.
 */
function told({ objects }) {
  const bigFirst = (a, b) => sizes.indexOf(b.size) - sizes.indexOf(a.size) || a.x - b.x;
  const [a, b] = objects.toSorted(bigFirst);
  return captionOf({ subject: whole(a), relation: mainRelation(a, b), object: whole(b) });
}

function whole({ size, texture, colour, shape }) {
  return { size, colour, shape, ...(texture !== "plain" && { texture }) };
}

function id(word) {
  const at = vocabulary.indexOf(word);
  if (at < 0) throw new Error(`not in the vocabulary: ${word}`);
  return at;
}

function captionIds(text) {
  return [id("<s>"), ...text.split(" ").map(id), id("</s>")];
}

function block(rows, length, lists) {
  const out = new Uint8Array(rows * length);
  lists.forEach((list, row) => {
    if (row >= rows || list.length > length) throw new Error(`${list.length} values in row ${row}`);
    out.set(list, row * length);
  });
  return out;
}
