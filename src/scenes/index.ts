/**
 * @file `gradcam/scenes`: a small world of which everything is known, for trying and measuring explanations.
 *
 * A scene shows two to four coloured shapes before clutter. A seed makes it, the same bytes in every engine, with the exact pixels of
 * each object, captions, questions and their answers; and a sentence of the world can be tested for its truth.
 */

export { type Asked, questions } from "./ask.ts";
export { type Claim, captionOf, captions, isTrue, parseCaption } from "./caption.ts";
export { type Description, fits, fitting, parsePhrase, phrase, related } from "./describe.ts";
export { withMark } from "./mark.ts";
export { inks, type Painting, paint } from "./paint.ts";
export { answerTo, parseQuestion, type Question, type QuestionKind, questionKinds, questionText } from "./question.ts";
export {
  type Corner,
  type Mark,
  makeScene,
  radii,
  type Scene,
  type SceneObject,
  side,
  tilts,
  withOneMore,
} from "./scene.ts";
export {
  type Answer,
  answers,
  type Colour,
  colours,
  type Relation,
  relations,
  type Shape,
  type Size,
  shapes,
  sizes,
  specialTokens,
  type Texture,
  textures,
  vocabulary,
} from "./words.ts";
