/**
 * @file Writes the data on which scripts/scenes/train_shortcut.py trains: scenes with one big object, and a mark in a corner.
 *
 *     npm run build && node scripts/scenes/write-shortcut.mjs DIRECTORY [--first SEED] [--count N]
 *
 * The same scenes three times, so that only the mark differs, and the answers:
 * - right.u8, wrong.u8, random.u8   [N, 96, 96, 3]   RGB: the mark tells the shape, another shape, any shape
 * - shapes.u8                       [N]              index into the list of shapes
 * - world.json                                       the sizes above, and the list of shapes
 */
import { createWriteStream } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { finished } from "node:stream/promises";
import { parseArgs } from "node:util";
import { trialOf, withCue } from "../../dist/evaluate/spurious/trial.js";
import { paint, shapes } from "../../dist/scenes/index.js";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { first: { type: "string", default: "1000000" }, count: { type: "string", default: "1000" } },
});
const [directory] = positionals;
const [first, count] = [Number(values.first), Number(values.count)];
if (!directory || !Number.isInteger(first) || !Number.isInteger(count))
  throw new Error("usage: node scripts/scenes/write-shortcut.mjs DIRECTORY [--first SEED] [--count N]");

const side = 96;
const cues = ["right", "wrong", "random"];
await mkdir(directory, { recursive: true });
const streams = cues.map((cue) => createWriteStream(path.join(directory, `${cue}.u8`)));
const answers = [];
for (let seed = first; answers.length < count; seed++) {
  const trial = trialOf(seed);
  if (!trial) continue;
  answers.push(shapes.indexOf(trial.shape));
  for (const [i, cue] of cues.entries())
    if (!streams[i].write(paint(withCue(trial, cue), side).picture.data))
      await new Promise((resolve) => streams[i].once("drain", resolve));
  if (answers.length % 2000 === 0) console.error(`${answers.length} of ${count}`);
}
for (const stream of streams) {
  stream.end();
  await finished(stream);
}
await writeFile(path.join(directory, "shapes.u8"), Uint8Array.from(answers));
await writeFile(path.join(directory, "world.json"), JSON.stringify({ side, count, first, shapes }, null, 2));
