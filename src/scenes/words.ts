/**
 * @file The words of the world: what its objects can be, how they can lie, and the vocabulary of its models.
 */

export const shapes = ["circle", "square", "triangle", "cross", "star"] as const;
export const colours = ["red", "green", "blue", "yellow", "purple", "white"] as const;
export const sizes = ["small", "big"] as const;
export const textures = ["plain", "striped", "dotted"] as const;
export const relations = ["left of", "right of", "above", "below"] as const;

export type Shape = (typeof shapes)[number];
export type Colour = (typeof colours)[number];
export type Size = (typeof sizes)[number];
export type Texture = (typeof textures)[number];
export type Relation = (typeof relations)[number];

/** Every answer to a question, in the order of the VQA model's classes. */
export const answers = ["no", "yes", "0", "1", "2", "3", "4", ...colours, ...shapes] as const;
export type Answer = (typeof answers)[number];

export const plural = (noun: string): string => (noun === "cross" ? "crosses" : `${noun}s`);

/** Tokens that are no words: padding, start and end of a sentence, a word that the vocabulary lacks. Their ids are 0 to 3. */
export const specialTokens = ["<pad>", "<s>", "</s>", "<unk>"] as const;

/** Tokens in the order of their ids: the special ones, and every word of captions and questions. */
export const vocabulary: readonly string[] = [
  ...specialTokens,
  ...["a", "of", "left", "right", "above", "below"],
  ...sizes,
  ...textures.slice(1),
  ...colours,
  ...shapes,
  ...["is", "are", "there", "the", "what", "how", "many", "more", "than", "bigger", "same", "as", "colour", "shape"],
  ...["object", ...shapes].map(plural),
  "object",
];
