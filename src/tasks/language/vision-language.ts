/**
 * @file Vision-language models in the layout of transformers.js: what sees the picture gives as many vectors as it has places; they take the
 * place of as many words among those that the decoder reads, before the question and the answer.
 */
import { present, UserError } from "../../errors.ts";
import { compose, within } from "../../onnx/compose.ts";
import { filled } from "../../onnx/filled.ts";
import { indexLazily, type Model } from "../../onnx/model.ts";
import { changed, declaredDims, type ValueInfoProto, withName } from "../../onnx/proto.ts";
import { renamed } from "../../onnx/rename.ts";
import { picture } from "./token-inputs.ts";

/** Where the picture is among the words: the places [from, from + count). */
export interface PicturePlaces {
  readonly from: number;
  readonly count: number;
}

const names = { embed: "embed_tokens", text: "text", words: "words" } as const;

/**
 * What embeds words and the decoder of the embedded as one decoder of `input_ids` and `encoder_hidden_states`, which are the picture.
 * @param features what sees the picture gives, as it is declared
 * @throws UserError `invalid-model` where the two do not fit each other.
 */
export function pictureDecoder(embed: Model, decoder: Model, features: ValueInfoProto, at: PicturePlaces): Model {
  const given = present(embed.graph.output[0], "an output");
  const [own, wide] = [declaredDims(features)?.at(-1), declaredDims(given)?.at(-1)];
  if (typeof wide === "number" && typeof own === "number" && wide > 0 && own > 0 && wide !== own)
    throw new UserError(
      "invalid-model",
      `invalid models: they do not fit: the picture's "${features.name}" has ${own} channels, the words' "${given.name}" ${wide}`,
    );
  const merged = merging(decoder, withName(given, names.words), withName(features, picture.states), at);
  const parts = [
    { name: names.embed, model: embed },
    { name: names.text, model: merged },
  ];
  const whole = compose(parts, { [within(names.text, names.words)]: within(names.embed, given.name) });
  const ends = parts.flatMap(({ name, model }) =>
    model.inputs.map((input) => [within(name, input.name), input.name] as const),
  );
  const known = new Map([...ends, ...decoder.outputs.map((output) => [within(names.text, output), output] as const)]);
  const graph = renamed(whole.graph, (name) => known.get(name) ?? name);
  return indexLazily(changed(whole.proto, { graph }));
}

/** Reads words' vectors, with the picture's in the place of some of them. */
function merging(decoder: Model, words: ValueInfoProto, seen: ValueInfoProto, { from, count }: PicturePlaces): Model {
  return filled(
    decoder,
    {
      inputs_embeds: (build, inputOf) => {
        const all = inputOf(words.name);
        const before = from > 0 ? [build.slice(all, 1, 0, from)] : [];
        const after = build.slice(all, 1, from + count, Number.MAX_SAFE_INTEGER);
        return build.concat([...before, build.cast(inputOf(seen.name), all.type), after], 1);
      },
    },
    [words, seen],
  );
}
