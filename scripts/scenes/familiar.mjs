/**
 * @file Writes into the models of drawn scenes what scenes look like: the colours of 900 of them, small and large, as they are and as JPEG.
 *
 * node scripts/scenes/familiar.mjs [PHOTOGRAPH...]
 *
 * prints how surprising scenes are that were not counted (the threshold stands above them), and how many of the photographs are noticed.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import sharp from "sharp";
import { decode } from "../../dist/image/sharp.js";
import { makeScene, paint } from "../../dist/scenes/index.js";
import { coloursOf, familiarity, surprise } from "../../dist/tasks/familiarity.js";

const models = ["scenes-captioner", "scenes-captioner-transformer", "scenes-answerer"];
const [levels, most, pictures] = [12, 5.6, "drawn scenes"];
const sizes = [96, 160, 224];

async function scene(seed, i) {
  const { picture } = paint(makeScene(seed), sizes[i % 3]);
  if (i % 2) return picture;
  const { width, height, data } = picture;
  return decode(
    await sharp(data, { raw: { width, height, channels: 3 } })
      .jpeg({ quality: 75 })
      .toBuffer(),
  );
}

// Seeds of training: those below 1,000,000 are new to the models.
const histogram = new Map();
for (let i = 0; i < 900; i++)
  for (const colour of coloursOf(await scene(1_000_000 + i, i), levels))
    histogram.set(colour, (histogram.get(colour) ?? 0) + 1);
const counts = [...histogram].sort(([a], [b]) => a - b).flat();
const known = familiarity(pictures, levels, counts, most);

for (const model of models) {
  const folder = new URL(`../../models/${model}/`, import.meta.url);
  const file = new URL("preprocessor_config.json", folder);
  const { familiar_colours: _, ...config } = JSON.parse(readFileSync(file, "utf8"));
  const text = JSON.stringify({ ...config, familiar_colours: { pictures, levels, most, counts: "COUNTS" } }, null, 2);
  const content = `${text.replace('"COUNTS"', JSON.stringify(counts))}\n`;
  writeFileSync(file, content);
  const sums = new URL("SHA256SUMS", folder);
  const sum = createHash("sha256").update(content).digest("hex");
  writeFileSync(sums, readFileSync(sums, "utf8").replace(/^\w+( +preprocessor_config\.json)$/m, `${sum}$1`));
}

const quantiles = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  return [0, 0.5, 0.99, 1].map((q) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))].toFixed(2));
};
const held = [];
for (let i = 0; i < 1000; i++) held.push(surprise(await scene(i, i), known));
console.log(`scenes 0 to 999: least, median, 99 %, most: ${quantiles(held).join(", ")}; threshold ${most}`);
const photos = [];
for (const place of process.argv.slice(2)) {
  const files = place.endsWith("/")
    ? readdirSync(place, { recursive: true }).map((name) => `${place}${name}`)
    : [place];
  for (const file of files.filter((name) => /\.jpe?g$/i.test(name))) photos.push(surprise(await decode(file), known));
}
if (photos.length)
  console.log(
    `${photos.filter((s) => s > most).length} of ${photos.length} photographs are noticed: ${quantiles(photos)}`,
  );
