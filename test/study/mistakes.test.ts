/** @file Mistakes in designing, opening and simulating studies, each told in one line. */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { folder, within } from "../cli/run.ts";
import { datasetFor, madeUp, written } from "./fixtures.ts";

async function mistake(words: RegExp, args: readonly string[], cwd = folder()): Promise<void> {
  const { code, stderr } = await within(["study", ...args], cwd);
  expect(stderr).toMatch(words);
  expect(stderr.trim().split("\n")).toHaveLength(1);
  expect(code).toBe(2);
}

const simulate = ["simulate", "a.study", "--out", "b.study"];

test("no study, no file of ours, and a place that is taken", async () => {
  const cwd = folder();
  writeFileSync(path.join(cwd, "text.study"), "hello");
  await mistake(
    /missing study: none\.study: no such file; create one with `gradcam study design`/,
    ["status", "none.study"],
    cwd,
  );
  await mistake(/invalid study: text\.study was not created by/, ["status", "text.study"], cwd);
  await mistake(/cannot write text\.study: it exists/, ["design", ".", "--kind", "trust", "--out", "text.study"], cwd);
  await mistake(
    /unknown dataset: \. is laid out as none of/,
    ["design", ".", "--kind", "prediction", "--out", "new.study"],
    cwd,
  );
});

test("models and methods that do not go with the kind, and pictures that are too few", async () => {
  const cwd = folder();
  const [data, ...models] = await datasetFor("prediction", cwd, 4);
  const design = (...args: string[]) => ["design", data, ...models, "--out", "a.study", ...args];
  await mistake(/invalid number of models: 1; a study of trust takes 2/, design("--kind", "trust"), cwd);
  await mistake(/unknown method: "none"/, design("--kind", "class-discrimination", "--method", "none"), cwd);
  await mistake(
    /too few images for a study of prediction: 4 are suitable, at least 5 are needed/,
    design("--kind", "prediction"),
    cwd,
  );
  mkdirSync(path.join(cwd, "texts"));
  writeFileSync(path.join(cwd, "texts/empty.txt"), " \n\n ");
  await mistake(
    /invalid consent text: texts\/empty\.txt is empty/,
    design("--kind", "prediction", "--consent", "texts/empty.txt"),
    cwd,
  );
  // Both are the same model.
  const twice = ["design", data, ...models.slice(0, 2), ...models, "--kind", "trust", "--out", "a.study"];
  await mistake(/invalid models: both classify equally many images correctly/, twice, cwd);
});

test("effects that are unknown, missing or impossible", async () => {
  const cwd = folder();
  await written(path.join(cwd, "a.study"), madeUp());
  await mistake(
    /unknown condition: "cam"; allowed are guided-backprop, guided-grad-cam/,
    [...simulate, "--effect", "cam=0.5"],
    cwd,
  );
  await mistake(/missing effect: guided-grad-cam/, [...simulate, "--effect", "guided-backprop=0.5"], cwd);
  const both = [...simulate, "--effect", "guided-backprop=0.5", "--effect"];
  await mistake(
    /invalid effect: guided-grad-cam=1\.2; allowed is a mean between 0 and 1/,
    [...both, "guided-grad-cam=1.2"],
    cwd,
  );
});

test("times and proxies that are none", async () => {
  const cwd = folder();
  await written(path.join(cwd, "a.study"), madeUp());
  for (const idle of ["10", "0s", "1.5h", "99999h"]) {
    const { code, stderr } = await within(["study", "serve", "a.study", `--idle=${idle}`], cwd);
    expect(stderr).toMatch(/^gradcam: option '--idle <time>' argument '.*' is invalid.* a time from 1s to 720h.*\n$/);
    expect(code).toBe(2);
  }
  for (const proxy of ["localhost", "10.0.0.0/33", "::1/129", "10.0.0.0/8/8", "10.0.0.0/", ""])
    await mistake(
      /invalid proxy: ".*"; allowed is an address or a network/,
      ["serve", "a.study", `--trust-proxy=${proxy}`],
      cwd,
    );
});
