/**
 * @file Reference cases by PyTorch autograd: output, gradients, guided and deconvolution images, and Grad-CAM, within each case's own
 * tolerance. A choice of them is committed in `conformance/`; the rest lie in a folder beside the repository, on some machines.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { openExplainer, type Target, vjp } from "../src/index.ts";
import type { Feeds, Tensor } from "../src/onnx/runtime.ts";
import { cosine, distance, leastCorrelation, numbersOf, readNpy } from "./arrays.ts";

interface Case {
  readonly inputs: readonly { readonly name: string; readonly file: string }[];
  readonly image_input: string;
  readonly output: string;
  readonly classes: readonly number[] | null;
  readonly reduction: { readonly kind: string };
  readonly layer: string;
  readonly expected: Readonly<Record<string, string | null>>;
  readonly tolerance: Readonly<Record<string, number | null | string>>;
}

/** Cases that are not committed, for the size of the repository. */
const elsewhere = [
  "alexnet_overlap_pool_op17",
  "captioner_lstm_op14",
  "captioner_vit_gpt2",
  "clip_vit_similarity",
  "audio_conv1d_op15",
  "dilated_odd_op11",
  "mobilenet_v2_op18_dynamo",
  "resnet_basic_op13",
  "resnet_bottleneck_op9_odd",
  "resnet_int8_qdq_op13",
  "resnet_shallow_layer_op18_dynamo",
  "swin_op16",
  "timm_convnext_gelu_op18_dynamo",
  "timm_efficientnet_silu_op20_dynamo",
  "timm_nfnet_op13",
  "timm_vit_op20",
  "video_conv3d_op18_dynamo",
  "vqa_vgg_lstm_op12",
  "vqa_vilt",
] as const;

const committed = fileURLToPath(new URL("conformance", import.meta.url));
const shared = fileURLToPath(new URL("../../shared/conformance", import.meta.url));
const session = { intraOpNumThreads: 1 };

/** What a case got wrong, a line each. */
async function mistakes(folder: string): Promise<string[]> {
  const file = (name: string) => path.join(folder, name);
  const c: Case = JSON.parse(readFileSync(file("case.json"), "utf8"));
  const bytes = new Uint8Array(readFileSync(file("model.onnx")));
  const feeds: Feeds = Object.fromEntries(c.inputs.map((input) => [input.name, readNpy(file(input.file))]));
  const seeds: Feeds = { [c.output]: readNpy(file(c.expected.output_gradient ?? "")) };
  const found: string[] = [];
  const compare = (what: string, got: Tensor) => {
    const name = c.expected[what];
    if (!name) return;
    const reference = readNpy(file(name));
    const measured = [
      { key: what, value: distance(got, reference), sign: 1 },
      { key: `${what}_min_cosine`, value: cosine(numbersOf(got), numbersOf(reference)), sign: -1 },
      { key: `${what}_min_correlation`, value: leastCorrelation(got, reference), sign: -1 },
    ];
    for (const { key, value, sign } of measured) {
      const limit = c.tolerance[key];
      if (typeof limit === "number" && !(sign * value <= sign * limit))
        found.push(`${key}: ${value}, limit ${limit}, shape [${got.dims}] for [${reference.dims}]`);
    }
  };

  const { outputs, gradients } = await vjp(ort, bytes, { feeds, seeds, wrt: [c.image_input, c.layer], session });
  compare("output", outputs[c.output]);
  compare("activation_gradient", gradients[c.layer]);
  compare("input_gradient", gradients[c.image_input]);
  for (const rules of ["guided", "deconv"] as const) {
    if (!c.expected[rules]) continue;
    compare(
      rules,
      (await vjp(ort, bytes, { feeds, seeds, wrt: [c.image_input], rules, session })).gradients[c.image_input],
    );
  }
  const explainer = await openExplainer(ort, bytes, { output: c.output, layer: c.layer, session });
  for (const target of targets(c, seeds, explainer.score.before))
    compare("grad_cam", (await explainer.explain(feeds, { target })).maps);
  await explainer.release();
  return found;
}

/** A map asked for by cotangents is that asked for by classes, where the scalar is the sum of the classes' scores. */
function targets({ classes, reduction }: Case, seeds: Feeds, before: string | undefined): Target[] {
  const byClass = classes && !before && ["class_logit", "spatial_mean"].includes(reduction.kind);
  return byClass ? [{ seeds }, classes] : [{ seeds }];
}

const committedCases = readdirSync(committed).sort();

describe("reference cases, committed", () => {
  for (const name of committedCases)
    test(name, async () => {
      expect(await mistakes(path.join(committed, name))).toEqual([]);
    });
});

describe("reference cases, beside the repository", () => {
  for (const name of elsewhere) {
    const folder = path.join(shared, name);
    if (!existsSync(folder)) test.skip(`${name}: not run, for ../shared/conformance is not there`);
    else
      test(name, async () => {
        expect(await mistakes(folder)).toEqual([]);
      });
  }

  test.skipIf(!existsSync(shared))("every case of the folder is in one of the lists", () => {
    const folders = readdirSync(shared).filter((name) => existsSync(path.join(shared, name, "case.json")));
    expect([...committedCases, ...elsewhere]).toEqual(expect.arrayContaining(folders));
  });
});
