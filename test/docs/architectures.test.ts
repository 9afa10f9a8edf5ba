/** @file The page of architectures tells of enough networks, skips none silently, and its summary is that of its table. */
import { expect, test } from "vitest";
import { read } from "./markdown.ts";

const [page] = read("docs/architectures.md").split("<!-- sweep: start -->")[1].split("<!-- sweep: end -->");
const rows = page
  .split("\n")
  .filter((line) => /^\| [^-]/.test(line) && !line.startsWith("| architecture "))
  .map((line) => line.split(" | ").map((cell) => cell.replace(/^\| | \|$/g, "")));
const errors = (row: string[]) =>
  row
    .slice(5, 11)
    .filter((cell) => cell !== "–")
    .map(Number);

test("at least 60 networks of both libraries agree within 1e-3, by both exporters", () => {
  const within = rows.filter((row) => errors(row).length >= 4 && Math.max(...errors(row)) <= 1e-3);
  expect(within.length).toBeGreaterThanOrEqual(60);
  for (const [column, values] of [
    [1, ["torchvision", "timm"]],
    [2, ["torchscript", "dynamo"]],
  ] as const)
    expect(new Set(within.map((row) => row[column]))).toEqual(new Set(values));
});

test("the summary counts the rows of the table", () => {
  const total = Number(/^\*\*(\d+) networks: /m.exec(page)?.[1]);
  expect(rows.length).toBe(total);
});

test("a network that does not agree says why", () => {
  const far = rows.filter((row) => errors(row).length === 0 || Math.max(...errors(row)) > 1e-3);
  for (const row of far) expect(row[12], row[0]).not.toBe("");
});

test("every family of torchvision's classifiers is there", () => {
  const families =
    "alexnet convnext densenet efficientnet_b efficientnet_v2 googlenet inception_v3 maxvit mnasnet mobilenet_v2 mobilenet_v3 regnet_x regnet_y resnet resnext shufflenet squeezenet swin swin_v2 vgg vision_transformer wide_resnet";
  const names = rows.filter((row) => row[1] === "torchvision").map(([name]) => name);
  for (const family of families.split(" "))
    expect(
      names.some((name) => name.startsWith(family)),
      family,
    ).toBe(true);
});
