/**
 * @file Networks that have forgotten what they learnt, for the sanity check of Adebayo et al. 2018 (arXiv 1810.03292, section 3.1): a map
 * that stays the same when the weights are lost cannot have been about what the network knows.
 *
 * Weights are shuffled within their tensor, from the score back, one layer after another ("cascading"). Shuffled weights have the
 * distribution of the trained ones whatever their type, so that activations stay in their range.
 */
import { shuffle, uniformFrom } from "../array/random.ts";
import { UserError } from "../errors.ts";
import { withRoom } from "../onnx/append.ts";
import { product } from "../onnx/dims.ts";
import { type Model, readModel } from "../onnx/model.ts";
import { isExternal, type TensorProto } from "../onnx/proto.ts";
import { ancestors } from "../read/score.ts";

const weighted = new Set(["Conv", "ConvTranspose", "Gemm", "MatMul"]);

/** The initialisers that hold the weights of layers on the way to a score, the layer next to the score first. */
export function weightsOf(model: Model, score: string): string[] {
  const wanted = ancestors(model, [score]);
  const source = (name: string): string => {
    const input = model.initializers.has(name) ? undefined : model.producer.get(name)?.input[0];
    return input ? source(input) : name; // behind a cast, a transposition or a dequantisation
  };
  const found = model.graph.node
    .filter(({ opType, output }) => weighted.has(opType) && output.some((name) => wanted.has(name)))
    .flatMap(({ input }) => input.slice(0, 2).filter((name) => model.constants.has(name)))
    .map(source)
    .filter((name) => model.initializers.has(name));
  return [...new Set(found.reverse())];
}

/**
 * The model's file with some weights shuffled; the same seed gives the same file.
 * @param names of initialisers
 * @throws UserError `unsupported-operator` for weights that are not in the file itself, as raw bytes.
 */
export function shuffled(model: Model, names: readonly string[], seed = 0): Uint8Array {
  const bytes = withRoom(model.bytes.length);
  bytes.set(model.bytes);
  const { initializers } = readModel(bytes);
  for (const [i, name] of names.entries())
    shuffleElements(initializers.get(name) as TensorProto, uniformFrom(Math.imul(seed + i + 1, 0x9e3779b9)));
  return bytes;
}

/** In place: a parsed tensor's raw data is a view of the file. */
function shuffleElements(tensor: TensorProto, next: () => number): void {
  const { rawData, name } = tensor;
  if (isExternal(tensor) || rawData.length === 0)
    throw new UserError(
      "unsupported-operator",
      `unsupported weights: "${name}" is stored outside of the file or as a list of numbers; only raw data can be shuffled`,
    );
  const count = product(tensor.dims.map(Number));
  const size = rawData.length / count;
  // Elements of 2 or 4 bytes may lie at odd places of the file, so they are moved in an aligned copy.
  const Words = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array, 8: BigUint64Array }[size];
  if (!Words)
    throw new UserError("unsupported-operator", `unsupported weights: "${name}" has ${size} bytes an element`);
  const words = new Words(Uint8Array.from(rawData).buffer);
  shuffle<number | bigint>(words, next);
  rawData.set(new Uint8Array(words.buffer));
}
