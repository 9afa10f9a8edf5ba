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
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { trialOf, withCue } from "../../dist/evaluate/spurious/trial.js";
import { paint, shapes } from "../../dist/scenes/index.js";
import { asked, ByteFiles } from "./data-files.mjs";

const { directory, first, count } = asked("write-shortcut.mjs");
const side = 96;
const cues = ["right", "wrong", "random"];
const files = await ByteFiles.in(directory, cues);
const answers = [];
for (let seed = first; answers.length < count; seed++) {
  const trial = trialOf(seed);
  if (!trial) continue;
  answers.push(shapes.indexOf(trial.shape));
  await files.write(Object.fromEntries(cues.map((cue) => [cue, paint(withCue(trial, cue), side).picture.data])));
  if (answers.length % 2000 === 0) console.error(`${answers.length} of ${count}`);
}
await files.close();
await writeFile(path.join(directory, "shapes.u8"), Uint8Array.from(answers));
await writeFile(path.join(directory, "world.json"), JSON.stringify({ side, count, first, shapes }, null, 2));
