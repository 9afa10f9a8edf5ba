/**
 * @file Reference cases by PyTorch autograd: output, gradients, guided and deconvolution images, and Grad-CAM, within each case's own
 * tolerance. A choice of them is committed in `conformance/`; the rest lie in a folder beside the repository, on some machines.
 */
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { openExplainer, vjp } from "../src/index.ts";
import { committed, openCase, shared, targets } from "./conformance-case.ts";

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

const session = { intraOpNumThreads: 1 };

/** What a case got wrong, a line each. */
async function mistakes(folder: string): Promise<readonly string[]> {
  const { c, bytes, feeds, seeds, found, compare } = openCase(folder);
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
