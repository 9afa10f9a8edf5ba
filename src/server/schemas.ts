/** @file What may be asked and what is answered, as schemas: requests are checked by them, and the OpenAPI document is made of them. */
import { z } from "zod";
import type {
  Answer,
  AskAnswer,
  AskQuestion,
  CaptionAnswer,
  CaptionQuestion,
  ModelCard,
  Models,
  Problem,
  Question,
  Readiness,
} from "../client/contract.ts";
import { methodNames } from "../methods/by-name.ts";
import { colormaps } from "../render/colormap.ts";

/** The most of each that one request may ask for. */
export const most = { classes: 10, targets: 16, detections: 300, top: 25, text: 200, sentence: 500 } as const;

const text = z.string().min(1).max(most.text);
/** "top1" to "top25" as a number of classes, anything else as a name. */
const className = text
  .regex(/^(?!top\d+$)|^top([1-9]|1\d|2[0-5])$/, `top1 to top${most.top}, or a class's name`)
  .meta({ description: "A class's name, or topN for the N best" });
const classQuery = z.union([
  z
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .meta({ description: "A class's index" }),
  className,
]);
/** Two labels may stand in one question. */
const target = z
  .string()
  .min(1)
  .max(2 * most.text)
  .regex(
    /^(?!.*:top\d+( ~ |$))|:top([1-9]|1\d|2[0-5])( ~ |$)/,
    `a question, as class:cat or box:0, with top1 to top${most.top}`,
  )
  .meta({
    description: "A question, as class:cat, class:top3, box:0, box:top5, box:0.left, not:cat, class:cat ~ class:dog",
  });
const part = z.number().min(0).max(1);
const view = z.enum(["overlay", "heat", "panel"]);
const methodName = z.enum([...methodNames] as [string, ...string[]]);

export const question = z
  .strictObject({
    model: text.optional().meta({ description: "A model of /v1/models; the first by default" }),
    classes: z
      .array(classQuery)
      .min(1)
      .max(most.classes)
      .optional()
      .meta({ description: "The top-1 class by default" }),
    targets: z.array(target).min(1).max(most.targets).optional().meta({
      description: "Questions beside the classes or in their place; every box of a detector by default, 16 at most",
    }),
    methods: z
      .array(methodName)
      .min(1)
      .max(methodNames.length)
      .optional()
      .meta({ description: "grad-cam by default, hires-cam for boxes" }),
    options: z
      .record(z.string().max(40), z.union([z.number(), z.string().max(100)]))
      .optional()
      .meta({
        description: "Options of the methods by name, as `gradcam methods` lists them; 10 times a default at most",
      }),
    score: part.optional().meta({ description: "Of a detector: boxes above this score; 0.25 by default" }),
    iou: part.optional().meta({ description: "Of a detector: overlap above which the best box stays; 0.7 by default" }),
    maxDetections: z
      .int()
      .min(1)
      .max(most.detections)
      .optional()
      .meta({ description: "Boxes that are listed at most" }),
    against: classQuery.optional().meta({ description: "Contrast: explain why the classes rather than this one" }),
    counterfactual: z.boolean().optional().meta({ description: "Evidence against the classes (counterfactual)" }),
    layer: text.optional().meta({ description: "Target layer, one of the model's layers in /v1/models" }),
    include: z.array(view).max(3).optional().meta({ description: "Images to include in the JSON response" }),
    view: view.optional().meta({ description: "What a PNG response shows; overlay by default" }),
    colormap: z.enum(colormaps).optional().meta({ description: "inferno by default" }),
  })
  .meta({ id: "Question", description: "What to explain; every field is optional" }) satisfies z.ZodType<Question>;

const { model, methods: named, options, against, counterfactual, include, view: shown, colormap } = question.shape;
const sentence = z.string().min(1).max(most.sentence);

export const captionQuestion = z
  .strictObject({
    model,
    caption: sentence.optional().meta({ description: "The sentence to explain; the model's own by default" }),
    instead: sentence.optional().meta({ description: "Contrast the caption with this sentence, both ways" }),
    words: z.array(text).min(1).max(most.classes).optional().meta({ description: "Every word by default" }),
    counterfactual,
    methods: named,
    options,
    include: z
      .array(z.enum(["overlay", "heat"]))
      .max(2)
      .optional(),
    colormap,
  })
  .meta({ id: "CaptionQuestion", description: "What to ask a captioner" }) satisfies z.ZodType<CaptionQuestion>;

export const askQuestion = z
  .strictObject({
    model,
    question: sentence.meta({ description: "A question about the image" }),
    answers: question.shape.classes,
    against,
    counterfactual,
    methods: named,
    options,
    include,
    view: shown,
    colormap,
  })
  .meta({ id: "AskQuestion", description: "What to ask a VQA model" }) satisfies z.ZodType<AskQuestion>;

/** Each question with the picture in it. */
const image = z.base64().min(1).meta({ description: "The file, in base64", contentEncoding: "base64" });
export const withImage = {
  explain: question.extend({ image }).meta({ id: "QuestionWithImage", description: "A question with its image" }),
  caption: captionQuestion
    .extend({ image })
    .meta({ id: "CaptionQuestionWithImage", description: "The same with its image" }),
  ask: askQuestion.extend({ image }).meta({ id: "AskQuestionWithImage", description: "The same with its image" }),
} as const;
export const alone = { explain: question, caption: captionQuestion, ask: askQuestion } as const;

const whole = z.int().min(0);
const base64 = z.base64().meta({ contentEncoding: "base64" });
const png = base64.meta({ contentEncoding: "base64", contentMediaType: "image/png" });
const prediction = z
  .strictObject({
    class: whole,
    label: z.string(),
    score: z.number().meta({ description: "Before any softmax" }),
    probability: z.number().min(0).max(1).nullable(),
  })
  .meta({ id: "Prediction" });
const detection = z
  .strictObject({
    index: whole,
    class: whole,
    label: z.string(),
    score: z.number().min(0).max(1),
    box: z.array(z.number()).length(4).meta({ description: "x0, y0, x1, y1 in pixels of the image" }),
  })
  .meta({ id: "Detection" });
const mapped = {
  method: z.string(),
  question: z.string().meta({ description: "The question in words" }),
  layer: z.string().nullable().meta({ description: "The target layer; null in pixel space" }),
  layers: z.array(z.string()).optional().meta({ description: "All layers that the map is joined of, if of several" }),
  map: z.strictObject({
    shape: z.array(z.int().min(1)),
    data: base64.meta({ description: "float32, little endian, row-major; neither normalised nor resized" }),
  }),
  peak: z
    .union([
      z.strictObject({ x: z.number(), y: z.number(), z: z.number().optional() }),
      z.strictObject({ t: z.number() }),
    ])
    .optional()
    .meta({ description: "Position of the map's maximum, in pixels or voxels (x, y, z), seconds or samples (t)" }),
  box: z.array(z.number()).min(4).max(6).optional().meta({ description: "x0, y0, x1, y1; x0, y0, z0, x1, y1, z1" }),
  blank: z.string().optional().meta({ description: "Why the map is blank, if it is" }),
  warnings: z
    .array(z.strictObject({ code: z.string(), text: z.string() }))
    .meta({ description: "Caveats: what was guessed, and what the map does not show" }),
  overlay: png.optional(),
  heat: png.optional(),
};
const explanation = z
  .strictObject({
    target: z.string().meta({ description: "The question" }),
    detection: whole.optional().meta({ description: "The box that is explained, by its place among the detections" }),
    character: whole.optional().meta({ description: "The character that is explained, by its place in the text" }),
    class: whole,
    label: z.string(),
    ...mapped,
    span: z.array(z.number()).length(2).optional().meta({ description: "Of a signal: from, to" }),
  })
  .meta({ id: "Explanation" });
const told = z
  .strictObject({
    text: z.string(),
    tokens: z.array(z.strictObject({ id: whole, text: z.string(), logProbability: z.number() })),
    logProbability: z.number(),
  })
  .meta({ id: "Sentence" });
const wordExplanation = z
  .strictObject({
    kind: z.enum(["caption", "word", "words", "contrast"]),
    text: z.string(),
    tokens: z.array(whole).length(2).meta({ description: "Token range in the sentence: start, end (exclusive)" }),
    logProbability: z.number(),
    ...mapped,
  })
  .meta({ id: "WordExplanation" });
const size = z.strictObject({ width: whole, height: whole });
const geometry = z
  .strictObject({
    ...{ input: size, original: size },
    ...{ scaleX: z.number(), scaleY: z.number(), left: z.number(), top: z.number() },
  })
  .meta({
    id: "Geometry",
    description:
      "Position of the network's input, and so of a map, on the image: pixel (x, y) of the input is at (left + x scaleX, top + y scaleY)",
  });
const identity = { name: z.string(), sha256: z.string().regex(/^[0-9a-f]{64}$/) };

export const answer = z
  .strictObject({
    model: z.strictObject(identity),
    geometry: geometry.optional(),
    predictions: z
      .array(prediction)
      .meta({ description: "The top 5 and those asked for, best first; none of a detector" }),
    detections: z.array(detection).optional().meta({ description: "What a detector found, best first" }),
    text: z.string().optional().meta({ description: "What a text recogniser reads" }),
    probability: z.number().optional().meta({ description: "That the image shows this text and no other" }),
    characters: z
      .array(z.strictObject({ index: whole, character: z.string(), probability: z.number() }))
      .optional()
      .meta({ description: "The characters of the text, along the line" }),
    remark: z.string().optional().meta({ description: "What is to be said of the whole, as that nothing was found" }),
    explanations: z.array(explanation),
    panel: png.optional(),
  })
  .meta({ id: "Answer" }) satisfies z.ZodType<Answer>;

export const captionAnswer = z
  .strictObject({
    model: z.strictObject(identity),
    geometry,
    caption: told,
    generated: z.boolean().meta({ description: "Whether the model generated the sentence, or it was given" }),
    instead: told.optional(),
    explanations: z.array(wordExplanation),
  })
  .meta({ id: "CaptionAnswer" }) satisfies z.ZodType<CaptionAnswer>;

export const askAnswer = answer
  .extend({ question: z.string(), tokens: z.array(z.string()) })
  .meta({ id: "AskAnswer" }) satisfies z.ZodType<AskAnswer>;

const modelCard = z
  .strictObject({
    ...identity,
    task: z.enum(["explain", "caption", "ask"]),
    kind: z.enum(["picture", "signal", "volume"]),
    detects: z.literal(true).optional().meta({ description: "A detector, whose answers have detections" }),
    labels: z.array(z.string()),
    layers: z.array(z.strictObject({ name: z.string(), shape: z.array(z.int()), grid: z.array(z.int()) })),
  })
  .meta({ id: "ModelCard" }) satisfies z.ZodType<ModelCard>;

export const models = z
  .strictObject({
    models: z.array(modelCard).meta({ description: "The default first" }),
    methods: z.array(z.strictObject({ name: z.string(), title: z.string(), summary: z.string() })),
  })
  .meta({ id: "Models" }) satisfies z.ZodType<Models>;

const status = z.enum(["ok", "starting", "stopping"]);
export const health = z.strictObject({ status }).meta({ id: "Health" });

export const readiness = z
  .strictObject({
    status,
    threads: z
      .strictObject({ live: whole, wanted: whole })
      .meta({ description: "Worker threads that are alive, and that should be; missing ones are being started" }),
  })
  .meta({ id: "Readiness" }) satisfies z.ZodType<Readiness>;

export const problem = z
  .strictObject({
    type: z.string(),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string().meta({ description: "What was received and what is allowed" }),
    code: z.string().meta({ description: "Machine-readable code" }),
    request: z.string().meta({ description: "The request's id in the server's log" }),
  })
  .meta({ id: "Problem", description: "Why the request failed (RFC 9457)" }) satisfies z.ZodType<Problem>;
