/** @file The picture at the desk as a detector sees it, and the answers about its boxes. */
import { box, type ClassExplanation, encodeNpy, encodePng, type Picture, view, type Why } from "gradcam/web";
import type { Context } from "./answering.ts";
import { seenBoxes, targetOf } from "./boxes.ts";
import { type Answer, asMethod, type Exported, type ExportRequest, type Question, type Seen } from "./contract.ts";
import type { OpenedModel } from "./opened-model.ts";
import { boxed as drawBox, redrawn } from "./redrawn.ts";

export class ShownBoxes {
  private constructor(
    private readonly model: OpenedModel,
    private readonly picture: Picture,
    /** Every box, explained as it is by default. */
    private readonly first: Why,
  ) {}

  static async of(picture: Picture, model: OpenedModel): Promise<ShownBoxes> {
    return new ShownBoxes(model, picture, await model.loaded.explain(picture));
  }

  get seen(): Seen {
    const { detections = [], geometry, remark } = this.first;
    return seenBoxes(detections, geometry, remark);
  }

  async answer(question: Question, context: Context): Promise<Answer> {
    const { map, blank, warnings, layer, ...one } = await this.#explain(question, context);
    const said = warnings.filter(({ code }) => code !== "relu-emptied").map(({ text }) => text);
    return { map, ...("pixels" in one && { pixels: one.pixels }), layer, blank, warnings: said };
  }

  /** The map as it is drawn, or its numbers. */
  async export(request: ExportRequest, context: Context): Promise<Exported> {
    const { kind, question, picture: name, colormap, opacity, boxed, threshold } = request;
    const explanation = await this.#explain(question, context);
    const file = (ending: string) => `${name}.${explanation.method}.${explanation.asked}.${ending}`;
    if (kind === "npy")
      return {
        name: file("npy"),
        type: "application/octet-stream",
        bytes: encodeNpy(explanation.map.data, explanation.map.dims),
      };
    const { picture } = this;
    const plain = view(explanation, { picture, geometry: this.first.geometry }, { colormap, opacity });
    const found = boxed && !explanation.blank && box(explanation.onPicture, { threshold });
    const drawn = found ? redrawn(plain, drawBox(found)) : plain;
    const ending = found ? `box-${Math.round(100 * threshold)}.png` : "png";
    return { name: file(ending), type: "image/png", bytes: await encodePng(drawn) };
  }

  async #explain(question: Question, { signal, onProgress }: Context): Promise<ClassExplanation> {
    const target = targetOf(question);
    const { method, layer } = question;
    const known = this.first.explanations.find((one) => one.target === target && one.method === method);
    if (known && layer === undefined) return known;
    const { explanations } = await this.model.loaded.explain(this.picture, {
      ...{ targets: [target], method: asMethod(method), layer, signal },
      onProgress: (done) => onProgress({ done }),
    });
    return explanations[0];
  }
}
