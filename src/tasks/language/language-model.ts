/** @file What models of pictures and words have in common, whether they write or choose. */
import type { OpenOptions } from "../../explain/explainer.ts";
import type { Preprocess } from "../../image/preprocess.ts";
import type { Familiarity } from "../familiarity.ts";
import type { TextTokenizer } from "../formats/tokenizer.ts";

/** What every model of pictures and words is given; its session finds the weights that lie beside any of the ONNX files. */
export interface LanguageParts extends Pick<OpenOptions, "layer" | "tokens" | "session" | "keep"> {
  /** How the model is called in pictures and manifests. */
  readonly name: string;
  readonly tokenizer: TextTokenizer;
  readonly preprocess: Preprocess;
  /** Whether it was assumed, since the directory says nothing of it. */
  readonly assumed?: boolean;
  /** What the model's pictures look like. */
  readonly familiar?: Familiarity;
}

export abstract class LanguageModel<Options extends LanguageParts = LanguageParts> {
  constructor(protected readonly options: Options) {}

  get name(): string {
    return this.options.name;
  }

  get preprocess(): Preprocess {
    return this.options.preprocess;
  }

  get assumed(): boolean {
    return this.options.assumed ?? false;
  }

  /** Closes its sessions, once nobody uses them. */
  abstract release(): Promise<void>;
}
