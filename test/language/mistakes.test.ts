/** @file A person's mistakes with captioners and answerers: one line that says what was seen and what is allowed. */

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import type { MethodName } from "../../src/methods/by-name.ts";
import { loadAnswerer } from "../../src/node/load-answerer.ts";
import { loadCaptioner } from "../../src/node/load-captioner.ts";
import type { QuestionOptions } from "../../src/tasks/language/answering.ts";
import type { CaptionOptions } from "../../src/tasks/language/captioning.ts";
import { testPicture } from "./picture.ts";

const models = fileURLToPath(new URL("models", import.meta.url));
const session = { intraOpNumThreads: 1 };

/** A copy of a model's folder. */
function copyOf(name: string): string {
  const made = mkdtempSync(path.join(tmpdir(), "gradcam-language-"));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  cpSync(path.join(models, name), made, { recursive: true });
  return made;
}

/** Changes a JSON file of a folder. */
function edit(folder: string, file: string, change: (json: Record<string, never>) => unknown): void {
  const name = path.join(folder, file);
  writeFileSync(name, JSON.stringify(change(JSON.parse(readFileSync(name, "utf8")))));
}

async function captioned(name: string, options: CaptionOptions): Promise<unknown> {
  const model = await loadCaptioner(path.join(models, name), { session });
  try {
    return await model.explain(testPicture(), options);
  } finally {
    await model.release();
  }
}

const tenWords = Array(10).fill("red").join(" ");

test.each<[string, CaptionOptions, string]>([
  [
    "unknown words",
    { caption: "a pink elephant" },
    'unknown words: "pink", "elephant" in the caption; the model knows a, above, below,',
  ],
  [
    "an unknown word of the other caption",
    { instead: "a dog" },
    'unknown word: "dog" in the other caption; the model knows a, above,',
  ],
  ["an empty caption", { caption: "  " }, "invalid caption: it is empty; give a few words"],
  ["a long caption", { caption: tenWords }, "invalid caption: 10 tokens; the model allows 9, and one for the end"],
  [
    "a word that is not in the caption",
    { caption: "a red circle", words: ["square"] },
    'unknown word: "square"; the caption is made of a, red, circle',
  ],
  ["a method", { method: "grad-cem" as string as MethodName }, 'unknown method: "grad-cem"; allowed are'],
  [
    "a method for two captions",
    { instead: "a red circle", method: "gradient" },
    "invalid method: one sentence rather than another is explained by grad-cam",
  ],
])("%s", async (_, options, message) => {
  await expect(captioned("cnn-lstm", options)).rejects.toThrow(message);
});

test("a caption longer than a decoder's positions", async () => {
  const caption = Array(12).fill("a small red circle").join(" ");
  await expect(captioned("vit-gpt2", { caption })).rejects.toThrow(
    /^invalid caption: \d+ tokens; the model allows 23, and one for the end$/,
  );
});

test("a layer", async () => {
  const model = await loadCaptioner(path.join(models, "cnn-lstm"), { session, layer: "relu9" });
  await expect(model.explain(testPicture())).rejects.toThrow(/^unknown layer: "relu9"; candidates are encoder\//);
  await model.release();
});

test("an encoder and a decoder that do not fit", async () => {
  const folder = copyOf("cnn-gru");
  cpSync(path.join(models, "cnn-lstm/decoder.onnx"), path.join(folder, "decoder.onnx"));
  edit(folder, "captioner.json", (json) => ({
    ...json,
    decoder: {
      model: "decoder.onnx",
      word: "token",
      logits: "logits",
      features: { c: "features" },
      states: [{ input: "h", output: "next_h" }],
    },
  }));
  // The features fit the cell; the encoder of the pictures' tokens does not.
  await expect(loadCaptioner(folder, { session })).resolves.toBeDefined();
  cpSync(path.join(models, "vit-gpt2/onnx/encoder_model.onnx"), path.join(folder, "encoder.onnx"));
  edit(folder, "captioner.json", ({ decoder, ...json }: Record<string, object>) => ({
    ...json,
    decoder: { ...decoder, features: { c: "last_hidden_state" } },
  }));
  await expect(loadCaptioner(folder, { session })).rejects.toThrow(
    /^invalid models: they do not fit: the encoder gives "last_hidden_state" float32 \[[^\]]*24\], the decoder takes "c" float32 \[batch,24\]$/,
  );
});

test("no tokenizer", async () => {
  const folder = copyOf("cnn-lstm");
  rmSync(path.join(folder, "tokenizer.json"));
  await expect(loadCaptioner(folder)).rejects.toThrow(/^missing tokenizer: .*tokenizer\.json: no such file; save it/);
  writeFileSync(path.join(folder, "tokenizer.json"), "{}");
  await expect(loadCaptioner(folder)).rejects.toThrow(/^invalid tokenizer\.json: /);
});

test("no captioner.json, and no other layout", async () => {
  const folder = copyOf("cnn-lstm");
  rmSync(path.join(folder, "captioner.json"));
  await expect(loadCaptioner(folder)).rejects.toThrow(
    /^missing captioner\.json: .*: no captioner in it; expected captioner\.json, or onnx\/encoder_model\.onnx and onnx\/decoder_model\.onnx \(or decoder_model_merged\.onnx\), or onnx\/model\.onnx$/,
  );
  await expect(loadCaptioner(path.join(folder, "nowhere"))).rejects.toThrow(
    /^missing model: .*nowhere: no such directory$/,
  );
});

test("half of a layout", async () => {
  const folder = copyOf("vit-gpt2");
  rmSync(path.join(folder, "onnx/decoder_model.onnx"));
  await expect(loadCaptioner(folder)).rejects.toThrow(/^missing model: .*: no onnx\/decoder_model\.onnx; expected/);
});

test.each<[string, (json: Record<string, object>) => unknown, string]>([
  [
    "a key of captioner.json that is missing",
    ({ end_token_id: _, ...json }) => json,
    "invalid captioner.json: end_token_id is missing, expected an integer of at least 0",
  ],
  [
    "a tensor that is not there",
    (json) => ({ ...json, encoder: { model: "encoder.onnx", image: "image" } }),
    'unknown input: "image"; the encoder takes pixel_values',
  ],
  [
    "an input of the decoder of which nothing is said",
    ({ decoder, ...json }) => ({ ...json, decoder: { ...decoder, states: [{ input: "h", output: "next_h" }] } }),
    "invalid captioner.json: nothing is said of the decoder's input c",
  ],
])("%s", async (_, change, message) => {
  const folder = copyOf("cnn-lstm");
  edit(folder, "captioner.json", change as never);
  await expect(loadCaptioner(folder)).rejects.toThrow(message);
});

test.each<[string, string, string]>([
  [
    "an unknown word",
    "is there an elephant?",
    'unknown words: "is", "there", "an", "elephant?" in the question; the model knows a, above,',
  ],
  ["an empty question", " ", "invalid question: it is empty; give a few words"],
  ["a long question", `${tenWords} red red red`, "invalid question: 13 tokens; the model allows 12"],
])("%s", async (_, question, message) => {
  const model = await loadAnswerer(path.join(models, "cnn-lstm-answers"), { session });
  await expect(model.ask(testPicture(), question)).rejects.toThrow(message);
  await model.release();
});

test("an unknown answer", async () => {
  const model = await loadAnswerer(path.join(models, "cnn-lstm-answers"), { session });
  await expect(model.ask(testPicture(), "a red circle", { answers: ["purple"] })).rejects.toThrow(
    'unknown class: "purple"',
  );
  await model.release();
});

test.each<[string, string, QuestionOptions, string]>([
  [
    "an answer of unknown words",
    "a red circle ?",
    { answers: ["zebra 7"] },
    'unknown words: "zebra", "7" in the answer;',
  ],
  ["an empty answer", "a red circle ?", { answers: [" "] }, "invalid answer: it is empty; give a few words"],
  [
    "more answers than a search gives",
    "a red circle ?",
    { answers: ["top26"] },
    'unknown answer: "top26"; allowed are top1',
  ],
  [
    "a long answer",
    "a red circle ?",
    { answers: [`${tenWords} ${tenWords} ${tenWords}`] },
    "invalid answer: 30 tokens; the model allows 23, and one for the end",
  ],
  ["a long question", `${tenWords} ${tenWords} ${tenWords}`, {}, "invalid question: 32 tokens; the model allows 24"],
  [
    "a method for two answers",
    "a red circle ?",
    { against: "red", method: "gradient" },
    "invalid method: one answer rather than another is explained by grad-cam",
  ],
])("a model that writes its answers: %s", async (_, question, options, message) => {
  const model = await loadAnswerer(path.join(models, "blip-vqa"), { session });
  await expect(model.ask(testPicture(), question, options)).rejects.toThrow(message);
  await model.release();
});

test("beams for a list of answers", async () => {
  const model = await loadAnswerer(path.join(models, "cnn-lstm-answers"), { session });
  await expect(model.ask(testPicture(), "a red circle", { beams: 3 })).rejects.toThrow(
    "invalid beams: 3; the model writes no answers, it has a list of them",
  );
  await model.release();
});

test("a part of a model that writes its answers is missing, or does not fit", async () => {
  const folder = copyOf("blip-vqa");
  cpSync(path.join(models, "cnn-gru/encoder.onnx"), path.join(folder, "onnx/vision_model.onnx"));
  await expect(loadAnswerer(folder)).rejects.toThrow(
    /^invalid models: they do not fit: the encoder gives "features" float32 \[batch,24\], the question takes "encoder_hidden_states" float32 \[[^\]]*24\]$/,
  );
  rmSync(path.join(folder, "onnx/vision_model.onnx"));
  await expect(loadAnswerer(folder)).rejects.toThrow(
    /^missing model: .*: no onnx\/vision_model\.onnx; expected onnx\/vision_model\.onnx, onnx\/text_encoder\.onnx, onnx\/text_decoder\.onnx$/,
  );
});

test("a vision-language model that is not whole", async () => {
  const folder = copyOf("llava");
  cpSync(path.join(models, "blip-vqa/onnx/vision_model.onnx"), path.join(folder, "onnx/vision_encoder.onnx"));
  await expect(loadAnswerer(folder)).rejects.toThrow(
    /^invalid models: they do not fit: the picture's "last_hidden_state" has 24 channels, the words' "inputs_embeds" 32$/,
  );
  edit(folder, "tokenizer_config.json", (json) => ({ ...json, chat_template: "{{ broken" }));
  await expect(loadAnswerer(folder)).rejects.toThrow(/^invalid chat template: /);
  edit(folder, "tokenizer_config.json", (json) => ({ ...json, chat_template: "USER :" }));
  await expect(loadAnswerer(folder)).rejects.toThrow(
    /^invalid chat template: the picture's token, "<image>", is there 0 times; expected once$/,
  );
  edit(folder, "tokenizer_config.json", () => ({}));
  await expect(loadAnswerer(folder)).rejects.toThrow(/^missing chat template: .*chat_template\.jinja: no such file/);
  rmSync(path.join(folder, "onnx/embed_tokens.onnx"));
  await expect(loadAnswerer(folder)).rejects.toThrow(
    /^missing model: .*: no onnx\/embed_tokens\.onnx; a vision-language model has onnx\/vision_encoder\.onnx, /,
  );
});

test.each([
  ["an empty question", " ", "invalid question: it is empty; give a few words"],
  ["a question with the picture's token", "is <image> red ?", "invalid question: it holds the picture's token"],
  ["a long question", Array(50).fill("red").join(" "), /^invalid question: 71 tokens; the model allows 64$/],
])("a vision-language model: %s", async (_, question, message) => {
  const model = await loadAnswerer(path.join(models, "llava"), { session });
  await expect(model.ask(testPicture(), question)).rejects.toThrow(message);
  await model.release();
});

test("a model that takes no question", async () => {
  await expect(loadAnswerer(path.join(models, "../../../models/efficientnet-lite0"))).rejects.toThrow(
    /missing tokenizer/,
  );
});
