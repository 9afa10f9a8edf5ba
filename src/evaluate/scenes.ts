/**
 * @file The scenes of `gradcam/scenes` as datasets, painted when they are read: `scenes:COUNT`, or `scenes:FIRST-LAST` by their seeds, and
 * `scenes-questions:…`, whose pictures come with questions. Masks and boxes are exact.
 */
import { UserError } from "../errors.ts";
import type { Box } from "../image/locate.ts";
import { picture } from "../image/picture.ts";
import { encodePng } from "../image/sharp.ts";
import { fitting, makeScene, paint, parseQuestion, questions, type Scene } from "../scenes/index.ts";
import { csv } from "./csv.ts";

const kinds = ["scenes", "scenes-questions"] as const;
type Kind = (typeof kinds)[number];

export const isMade = (location: string): boolean => kinds.some((kind) => location.startsWith(`${kind}:`));

/** What a location stands for; @throws UserError `invalid-input` for what is none of these. */
export function madeAt(location: string): { readonly kind: Kind; readonly seeds: readonly number[] } {
  const [, kind, first, last] = /^([a-z-]+):(?:(\d{1,9})-)?(\d{1,9})$/.exec(location) ?? [];
  const from = Number(first ?? 0);
  const count = first === undefined ? Number(last) : Number(last) + 1 - from;
  if (!kinds.includes(kind as Kind) || !(count > 0))
    throw new UserError(
      "invalid-input",
      `invalid dataset: ${location}; allowed are ${kinds.map((name) => `${name}:COUNT and ${name}:FIRST-LAST`).join(", ")}`,
    );
  return { kind: kind as Kind, seeds: Array.from({ length: count }, (_, i) => from + i) };
}

/** The one big object of a scene, or undefined where there is none, or several. */
export function bigObject({ objects }: Scene): Scene["objects"][number] | undefined {
  const big = objects.filter(({ size }) => size === "big");
  return big.length === 1 ? big[0] : undefined;
}

/** A source of the files that a directory of them would have: `manifest.csv`, `SEED.png`, and `SEED/OBJECT.png`, a mask. */
export class MadeScenes {
  readonly #kind: Kind;
  readonly #seeds: readonly number[];

  constructor(readonly location: string) {
    ({ kind: this.#kind, seeds: this.#seeds } = madeAt(location));
  }

  async list(): Promise<readonly string[]> {
    return ["manifest.csv", ...this.#seeds.map((seed) => `${seed}.png`)];
  }

  async read(file: string): Promise<Uint8Array> {
    if (file === "manifest.csv") return new TextEncoder().encode(this.#manifest());
    const [, seed, object] = /^(\d+)(?:\/(\d))?\.png$/.exec(file) ?? [];
    if (seed === undefined) throw new UserError("missing-file", `missing file: ${file} in ${this.location}`);
    const painting = paint(makeScene(Number(seed)));
    if (object === undefined) return encodePng(painting.picture);
    const { width, height } = painting.picture;
    const mask = painting.masks[Number(object)];
    return encodePng(
      picture(
        width,
        height,
        Uint8Array.from({ length: 3 * mask.length }, (_, i) => 255 * mask[Math.floor(i / 3)]),
      ),
    );
  }

  #manifest(): string {
    const rows = this.#seeds.flatMap((seed) => (this.#kind === "scenes" ? things(seed) : asked(seed)));
    return csv([["picture", "label", "question", "name", "x0", "y0", "x1", "y1", "mask"], ...rows]);
  }
}

type Row = readonly (string | number)[];

/** A row for each object, which goes by its shape; the picture goes by that of its one big object. */
function things(seed: number): Row[] {
  const scene = makeScene(seed);
  const places = placesIn(scene);
  return scene.objects.map(({ shape }, k) => [`${seed}.png`, bigObject(scene)?.shape ?? "", "", shape, ...places(k)]);
}

/** A row for each question and each object that it is about, which goes by the answer. */
function asked(seed: number): Row[] {
  const scene = makeScene(seed);
  const places = placesIn(scene);
  return questions(scene).flatMap(({ text, answer }) => {
    const question = parseQuestion(text);
    const said = question ? ("of" in question ? [question.of] : [question.a, question.b]) : [];
    const about = scene.objects.flatMap((object, k) =>
      said.some((description) => fitting(scene, description).includes(object)) ? [k] : [],
    );
    const row = [`${seed}.png`, answer, text];
    return about.length ? about.map((k) => [...row, answer, ...places(k)]) : [row];
  });
}

/** The box and the mask's file of each object. */
function placesIn(scene: Scene): (object: number) => Row {
  const { masks, picture } = paint(scene);
  return (object) => [...boxOf(masks[object], picture.width), `${scene.seed}/${object}.png`];
}

function boxOf(mask: Uint8Array, width: number): Box {
  const inside = [...mask.keys()].filter((i) => mask[i]);
  const [xs, ys] = [inside.map((i) => i % width), inside.map((i) => Math.floor(i / width))];
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs) + 1, Math.max(...ys) + 1];
}
