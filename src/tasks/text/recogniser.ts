/** @file A text recogniser: the picture of a line in; its text, and where the evidence for each of its characters is out. */
import { present } from "../../errors.ts";
import { ElementPass } from "../../explain/elements.ts";
import type { Explainer } from "../../explain/explainer.ts";
import { checkFinite } from "../../explain/target.ts";
import type { Runtime } from "../../onnx/runtime.ts";
import { toDense } from "../../onnx/tensors.ts";
import { toPlain } from "../../read/axes.ts";
import type { ClassifierContext } from "../classify/classification.ts";
import type { Why } from "../classify/kinds.ts";
import type { ClassifyOptions } from "../classify/options.ts";
import { explainElements } from "../element-answers.ts";
import { feedingOf, feedsOf } from "../feeding.ts";
import { Labels } from "../labels.ts";
import { questionsOf } from "../option-questions.ts";
import { percent } from "../percent.ts";
import { checkAsking, targetLayer } from "../picture-asking.ts";
import { preparePicture } from "../pictures.ts";
import { Placements } from "../placing.ts";
import type { ModelReading } from "../reading.ts";

import type { Feeding, Kind, Sample } from "../sample.ts";

import { charQuestions, mostCharacters } from "./char-questions.ts";
import { type ReadText, textOf } from "./read-text.ts";
import { stepScores } from "./recognise.ts";
import { spell } from "./spell.ts";
import type { TextHead } from "./text-head.ts";

export class Recogniser {
  readonly kind: Kind = "picture";
  /** The characters of the classes. */
  readonly labels: Labels;
  readonly places: Placements;
  readonly head: TextHead;
  readonly #feeding: Feeding;

  constructor(
    private readonly ort: Runtime,
    readonly explainer: Explainer,
    readonly reading: ModelReading,
    private readonly context: ClassifierContext = {},
  ) {
    const explained = present(explainer.reading.explained, "the picture");
    this.head = present(reading.text, "the text");
    this.labels = new Labels(this.head.characters ?? [], this.head.classes);
    this.#feeding = feedingOf(explainer, explained, reading);
    this.places = new Placements(explainer, { name: explained.name, axes: explained.axes.grid }, context);
  }

  /**
   * Reads the text in a picture, and explains its characters, or what is asked.
   * @throws UserError for a sample of another kind, an unknown character, method or layer, and for scores that are not finite.
   */
  async explain(sample: Sample, options: ClassifyOptions = {}): Promise<Why> {
    await checkAsking(sample, options);
    const { explainer, head, context } = this;
    const targets = questionsOf(options, ["text recogniser", "char"]);
    const prepared = preparePicture(sample, this.#feeding);
    const feeds = feedsOf(this.ort, explainer, this.#feeding, prepared.input, { ...context.inputs, ...options.inputs });
    const layer = await targetLayer(explainer, this.reading, feeds, options.layer);
    const pass = await ElementPass.run(this.ort, explainer, feeds, {
      wanted: [head.tensor],
      prospects: [{ tensors: [head.tensor], layer }],
    });
    const scores = toDense(pass.tensor(head.tensor));
    checkFinite(toPlain(scores, head.axes), head.tensor);
    const read = textOf(spell(stepScores(scores, head.axes), head.silent, head.spelling), head);
    const can = this.reading.questions;
    const asked = charQuestions(targets, { head, read, dims: scores.dims, layer, can });
    const explanations = await explainElements(pass, asked, options, {
      ...{ sample: prepared, places: this.places, reading: this.reading },
    });
    const { text, probability, characters } = read;
    return {
      ...{ kind: "picture", predictions: [], text, probability, characters, explanations },
      ...prepared.subject,
      ...(targets.length === 0 && { remark: remarkOn(read) }),
    };
  }

  release(): Promise<void> {
    return this.explainer.release();
  }
}

function remarkOn({ characters, probability }: ReadText): string {
  const { length } = characters;
  if (length === 0) return `No character is read (${percent(probability)}): there is nothing to explain.`;
  if (length === 1) return "No target: the only character is explained.";
  return length > mostCharacters
    ? `No target: the first ${mostCharacters} of the ${length} characters are explained.`
    : `No target: each of the ${length} characters is explained.`;
}
