/** @file Visualisations for people, each drawn once. */

import { createHash } from "node:crypto";
import type { Sample } from "../../evaluate/sample.ts";
import type { Source } from "../../evaluate/source.ts";
import type { Picture } from "../../image/picture.ts";
import { shrinkToFit } from "../../image/resample.ts";
import { decode, encodeWebp } from "../../image/sharp.ts";
import { methodName } from "../../methods/by-name.ts";
import type { LoadedClassifier } from "../../node/load.ts";
import { colormaps } from "../../render/colormap.ts";
import { view } from "../../tasks/classify/figure.ts";
import type { Item } from "../study.ts";
import type { Question } from "./plan.ts";

/** Visualisations are at most so wide and high: what fits on a screen beside another. */
const side = 480;

/** Draws visualisations, and keeps each under its hash, which says nothing of what it is. */
export class Drawer {
  readonly pictures = new Map<string, Uint8Array>();
  blank = 0;

  constructor(
    private readonly source: Source,
    private readonly models: readonly LoadedClassifier[],
    private readonly photo: boolean,
    private readonly without: readonly string[],
  ) {}

  /** The picture as models and people see it. */
  async open({ picture }: Sample): Promise<Picture> {
    return shrinkToFit(await decode(await this.source.read(picture), { name: picture }), side);
  }

  async items(
    sample: Sample,
    questions: readonly Question[],
    conditions: readonly string[],
    order: readonly number[],
  ): Promise<Omit<Item, "role">[]> {
    const picture = await this.open(sample);
    const photo = this.photo ? { photo: await this.#keep(picture) } : {};
    const items: Omit<Item, "role">[] = [];
    for (const { classes, ...question } of questions) {
      const methods = conditions.filter((condition) => !this.without.includes(condition));
      const drawn = new Map<string, string[]>(methods.map((method) => [method, []]));
      for (const i of methods.length ? order : []) {
        const why = await this.models[i].explain(picture, { classes: [classes[i]], method: methods.map(methodName) });
        for (const explanation of why.explanations) {
          if (explanation.blank) this.blank++;
          drawn.get(explanation.method)?.push(await this.#keep(view(explanation, why, { colormap: colormaps[0] })));
        }
      }
      for (const condition of conditions)
        items.push({
          id: [sample.id, question.subject, condition].filter(Boolean).join("#"),
          ...{ condition, picture: sample.id, shown: drawn.get(condition) ?? [], ...photo, ...question },
        });
    }
    return items;
  }

  async #keep(picture: Picture): Promise<string> {
    const webp = await encodeWebp(picture);
    const key = createHash("sha256").update(webp).digest("hex").slice(0, 32);
    this.pictures.set(key, webp);
    return key;
  }
}
