/**
 * @file Vision-language models in the layout of transformers.js: what sees the picture gives as many vectors as it has places; they take the
 * place of as many words among those that the decoder reads, before the question and the answer.
 */
import { UserError } from "../../errors.ts";
import { Builder, type Value } from "../../onnx/build.ts";
import { compose, within } from "../../onnx/compose.ts";
import { indexLazily, type Model } from "../../onnx/model.ts";
import {
  changed,
  declaredDims,
  declaredType,
  makeGraph,
  makeModel,
  makeValueInfo,
  type ValueInfoProto,
} from "../../onnx/proto.ts";
import { renamed } from "../../onnx/rename.ts";

/** Where the picture is among the words: the places [from, from + count). */
export interface PicturePlaces {
  readonly from: number;
  readonly count: number;
}

const names = { embed: "embed_tokens", merge: "merge", text: "text" } as const;

/**
 * What embeds words and the decoder of the embedded as one decoder of `input_ids` and `encoder_hidden_states`, which are the picture.
 * @param features what sees the picture gives, as it is declared
 * @throws UserError `invalid-model` where the two do not fit each other.
 */
export function pictureDecoder(embed: Model, decoder: Model, features: ValueInfoProto, at: PicturePlaces): Model {
  const given = embed.graph.output[0];
  const merge = merging(given, features, at, decoder);
  const parts = [
    { name: names.embed, model: embed },
    { name: names.merge, model: merge },
    { name: names.text, model: decoder },
  ];
  const whole = compose(parts, {
    [within(names.merge, "words")]: within(names.embed, given.name),
    [within(names.text, "inputs_embeds")]: within(names.merge, "inputs_embeds"),
  });
  const fed = new Map([...embed.inputs, ...decoder.inputs].map(({ name }) => [name, name]));
  const known = new Map([[within(names.merge, "picture"), "encoder_hidden_states"]]);
  for (const part of [names.embed, names.text]) for (const [name] of fed) known.set(within(part, name), name);
  for (const output of decoder.outputs) known.set(within(names.text, output), output);
  const graph = renamed(whole.graph, (name) => known.get(name) ?? name);
  return indexLazily(changed(whole.proto, { graph }));
}

/** The words' vectors with the picture's in the place of some of them. */
function merging(words: ValueInfoProto, picture: ValueInfoProto, { from, count }: PicturePlaces, like: Model): Model {
  const type = declaredType(words);
  const width = declaredDims(words)?.at(-1);
  const [wide, own] = [width, declaredDims(picture)?.at(-1)];
  if (typeof wide === "number" && typeof own === "number" && wide > 0 && own > 0 && wide !== own)
    throw new UserError(
      "invalid-model",
      `invalid models: they do not fit: the picture's "${picture.name}" has ${own} channels, the words' "${words.name}" ${wide}`,
    );
  const build = new Builder(like.opset, "merged/");
  const channels = typeof width === "number" && width > 0 ? width : -1;
  const read: Value = { name: "words", type, dims: [-1, -1, channels] };
  const seen: Value = { name: "picture", type: declaredType(picture), dims: [-1, count, channels] };
  const before = build.slice(read, 1, 0, from);
  const after = build.slice(read, 1, from + count, Number.MAX_SAFE_INTEGER);
  const parts = [...(from > 0 ? [before] : []), build.cast(seen, type), after];
  const joined = build.concat(parts, 1);
  const { nodes, initializers } = build.collect([joined]);
  const sizes = (places: string | number) => ["batch", places, ...(channels > 0 ? [channels] : ["channels"])];
  const rename = (name: string) => (name === joined.name ? "inputs_embeds" : name);
  const graph = makeGraph({
    name: names.merge,
    node: nodes.map((node) => changed(node, { output: node.output.map(rename) })),
    initializer: initializers,
    input: [makeValueInfo("words", type, sizes("places")), makeValueInfo("picture", seen.type, sizes(count))],
    output: [makeValueInfo("inputs_embeds", type, sizes("places"))],
  });
  return indexLazily(makeModel({ irVersion: like.proto.irVersion, opsetImport: like.proto.opsetImport, graph }));
}
