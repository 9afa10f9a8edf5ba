/** @file Options of methods in requests: told to the method, refused as anywhere, and bounded. */
import { expect, test } from "vitest";
import type { Question, ServerError } from "../../src/client.ts";
import { mapValues } from "../../src/client.ts";
import { checkServedOptions } from "../../src/server/method-options.ts";
import { photo, started } from "./start.ts";

test("are told to the methods that have them, and refused in a line", async () => {
  const { client } = await started();
  const map = async (options?: Question["options"]) => {
    const { explanations } = await client.explain(photo, { methods: ["occlusion", "grad-cam"], options });
    return [...mapValues(explanations[0])];
  };
  expect(await map({ patch: 4, stride: 2 })).not.toEqual(await map());
  const refused = (options: Question["options"]) =>
    client.explain(photo, { methods: ["rise"], options }).then(
      () => "answered",
      ({ status, message }: ServerError) => `${status} ${message}`,
    );
  expect(await refused({ patch: 4 })).toMatch(/^422 unknown option of rise: "patch"; allowed are [^\n]*$/);
  expect(await refused({ samples: 0 })).toMatch(/^422 invalid option samples of rise: 0; [^\n]*$/);
  expect(await refused({ samples: 1_000_000 })).toMatch(
    /^422 invalid option samples of rise: 1000000; [^\n]*10000 at most/,
  );
});

test.each([
  ["rise", { batch: 9 }, "8 at most"],
  ["occlusion", { patch: 321 }, "320 at most"],
  ["occlusion", { stride: 1 }, "2 at least"],
  ["integrated-gradients", { steps: 641 }, "640 at most"],
  ["score-cam", { samples: 11 }, "10 at most"],
] as const)("%s with %j is more than a service answers", async (method, options, words) => {
  await expect(checkServedOptions([method], options)).rejects.toThrow(words);
});

test("a seed is no amount, and a text none", () =>
  expect(checkServedOptions(["rise", "grad-cam"], { seed: 1e9, sign: "signed" })).resolves.toBeUndefined());
