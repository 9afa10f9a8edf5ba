/** @file Operators without a gradient: declared zeros, and those that are refused, with the reason. */
import { type Op, refused, zero } from "./op.ts";

const named = (names: string, op: Op): [string, Op][] => names.split(" ").map((name) => [name, op]);

const sequence = refused("tensors in a sequence or an optional have no gradient here");

export const others: readonly (readonly [string, Op])[] = [
  // Comparisons, truth values and bits
  ...named("Equal Greater GreaterOrEqual Less LessOrEqual And Or Not Xor IsNaN IsInf Hardmax", zero),
  ...named("BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor", zero),
  // What depends on shapes, sizes and seeds alone
  ...named("BlackmanWindow HammingWindow HannWindow MelWeightMatrix RandomNormal RandomUniform Multinomial", zero),
  // Choices, text, bytes
  ...named("NonMaxSuppression RegexFullMatch StringConcat StringNormalizer StringSplit TfIdfVectorizer", zero),
  ...named("ImageDecoder SequenceEmpty SequenceLength OptionalHasElement", zero),
  ...named("ConcatFromSequence SequenceAt SequenceConstruct SequenceErase SequenceInsert SequenceMap", sequence),
  ...named("SplitToSequence Optional OptionalGetElement", sequence),
];
