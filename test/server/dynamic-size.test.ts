/** @file Models of dynamic size behind the service: pictures of every size, each in its own, up to a bound that the server has. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { encodeNpy } from "../../src/array/npy.ts";
import type { ServerError } from "../../src/client.ts";
import { load } from "../../src/node/load.ts";
import { folder, withModel, writePicture } from "../cli/run.ts";
import { gap } from "../nets.ts";
import { startedIn } from "./start.ts";

const loading = { labels: ["ant", "bee", "cat", "dog", "eel"], mean: [0.5], std: [0.5], size: "full" } as const;
const sizes = Array.from({ length: 12 }, (_, i) => ({ width: 20 + 3 * i, height: 40 - 2 * i }));

test("each picture is explained at its own size, whichever came before", async () => {
  const directory = folder();
  const net = gap({ input: [-1, 3, -1, -1] });
  const { client, close } = await startedIn(directory, { loading, canvas: 2000, queue: sizes.length + 1 }, net);
  onTestFinished(() => close(1));
  withModel(directory, net);
  const model = await load(path.join(directory, "net.onnx"), loading);
  onTestFinished(() => model.release());
  expect((await client.models()).models[0].layers[0]).toMatchObject({ grid: [-1, -1] });

  const asked = sizes.map(async (size, i) => {
    const file = await writePicture(path.join(directory, `${i}.png`), { ...size, seed: i });
    const [answer, why] = [await client.explain(await readFile(file)), await model.explain(file)];
    expect(answer.predictions.map(({ class: c }) => c)).toEqual(why.predictions.map(({ class: c }) => c));
    expect(answer.explanations[0].map.shape).toEqual([size.height, size.width]);
    expect(answer.explanations[0].peak).toEqual(why.explanations[0].peak);
  });
  await Promise.all(asked);

  const large = await readFile(await writePicture(path.join(directory, "large.png"), { width: 60, height: 50 }));
  const refusal = (file: Uint8Array) => client.explain(file).catch((error: ServerError) => error);
  expect(await refusal(large)).toMatchObject({
    status: 413,
    message:
      "too large image: the model's input would have 60 x 50 = 3000 pixels, allowed 2000; send a smaller image (raise with --canvas)",
  });
  const array = encodeNpy(new Float32Array(3 * 60 * 50), [3, 60, 50]);
  expect(await refusal(array)).toMatchObject({ message: expect.stringMatching(/9000 values.*6000/) });
  expect(
    (await client.explain(encodeNpy(new Float32Array(3 * 40 * 50).fill(1), [3, 40, 50]))).explanations,
  ).toHaveLength(1);
});
