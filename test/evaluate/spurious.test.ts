/** @file The planted shortcut: scenes and figures by hand, and the command with the bundled pair. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import type { Examined } from "../../src/evaluate/spurious/examine.ts";
import { figuresOf, spuriousCsv } from "../../src/evaluate/spurious/figures.ts";
import { Places } from "../../src/evaluate/spurious/places.ts";
import { markColours, type Trial, trialOf, withCue } from "../../src/evaluate/spurious/trial.ts";
import { picture } from "../../src/image/picture.ts";
import { makeScene } from "../../src/scenes/index.ts";
import { expectMistake } from "../cli/mistake.ts";
import { filesIn, folder, gradcam, within } from "../cli/run.ts";

const trials = Array.from({ length: 100 }, (_, seed) => trialOf(seed) ?? []).flat();

test("a trial asks for the shape of the one big object, and the mark tells what it shall", () => {
  expect(trials.length).toBeGreaterThan(30);
  const told = { right: 0, wrong: 0, random: 0 };
  for (const trial of trials) {
    const { scene, object, shape } = trial;
    expect(scene).toEqual(makeScene(scene.seed));
    expect(scene.objects.filter(({ size }) => size === "big")).toEqual([scene.objects[object]]);
    expect(scene.objects[object].shape).toBe(shape);
    expect(withCue(trial, "none")).toEqual(scene);
    for (const cue of ["right", "wrong", "random"] as const) {
      const { mark, ...rest } = withCue(trial, cue);
      expect(rest).toEqual(scene);
      expect(Object.values(markColours)).toContain(mark?.colour);
      told[cue] += Number(mark?.colour === markColours[shape]);
    }
  }
  expect([told.right, told.wrong]).toEqual([trials.length, 0]);
  // One in five, by chance.
  expect(told.random).toBeGreaterThan(0);
  expect(told.random).toBeLessThan(trials.length / 2);
});

describe("where a map lies", () => {
  const masks = [Uint8Array.of(0, 0, 1, 1, 0)];
  const places = new Places({ picture: picture(5, 1), masks, mark: Uint8Array.of(1, 0, 0, 0, 0) }, 0);
  const map = (...values: number[]) => ({ width: 5, height: 1, data: Float32Array.from(values) });

  test("shares of what is above 0, and the peak", () => {
    expect(places.of(map(3, 1, 4, 0, 0), { x: 2, y: 0 })).toEqual({
      ...{ energyOnMark: 3 / 8, energyOnObject: 1 / 2, peakOnMark: 0, peakOnObject: 1 },
    });
    expect(places.of(map(3, -1, Number.NaN, 1, -7), { x: 0, y: 0 })).toEqual({
      ...{ energyOnMark: 3 / 4, energyOnObject: 1 / 4, peakOnMark: 1, peakOnObject: 0 },
    });
  });

  test("a blank map is nowhere; chance is the area", () => {
    const nowhere = { energyOnMark: 0, energyOnObject: 0, peakOnMark: 0, peakOnObject: 0 };
    expect(places.of(map(0, -1, 0, 0, 0), undefined)).toEqual(nowhere);
    expect(places.byChance).toEqual({ energyOnMark: 0.2, energyOnObject: 0.4, peakOnMark: 0.2, peakOnObject: 0.4 });
  });
});

test("figures are means over scenes, and differences in pairs", () => {
  const examined = (right: boolean, energyOnMark: number): Examined => ({
    ...{ right: { right: true, wrong: right, none: right }, answer: "circle" },
    maps: [
      {
        ...{ method: "grad-cam", map: { width: 1, height: 1, data: new Float32Array(1) }, blank: !right },
        lying: { energyOnMark, energyOnObject: 1 - energyOnMark, peakOnMark: 1, peakOnObject: 0 },
      },
    ],
  });
  const look = (trial: Trial, biased: number, balanced: number) => ({
    ...{ trial, biased: examined(false, biased), balanced: examined(true, balanced) },
  });
  const looks = [look(trials[0], 0.9, 0.1), look(trials[1], 0.3, 0.3), look(trials[2], 0.6, 0.2)];
  const figures = figuresOf(looks, ["grad-cam"], 0);
  const value = (figure: string, network: string, than?: string) =>
    figures.find((f) => f.figure === figure && f.network === network && f.than === than)?.value;
  expect(value("right answers, the mark tells a wrong shape", "balanced")).toBe(1);
  expect(value("right answers, the mark tells a wrong shape", "biased", "balanced")).toBe(-1);
  expect(value("right answers, the mark tells the right shape", "biased", "balanced")).toBe(0);
  expect(value("energy on the mark", "biased")).toBeCloseTo(0.6);
  expect(value("energy on the mark", "biased", "balanced")).toBeCloseTo(0.4);
  expect(value("blank maps", "biased")).toBe(1);
  // More, as much, more.
  expect(value("told apart by energy on the mark", "pair")).toBeCloseTo(2.5 / 3);
  // 12 of 96 pixels a side, at least; a peak may lie beside.
  expect(value("energy on the mark", "chance")).toBeCloseTo(144 / 9216);
  expect(value("peak on the mark", "chance")).toBeGreaterThan(144 / 9216);
  const lines = spuriousCsv(figures).trim().split("\n");
  expect(lines).toHaveLength(figures.length + 1);
  expect(lines[1]).toMatch(/^"right answers, the mark tells the right shape",biased,,,1,/);
});

test("the bundled pair: only one takes the shortcut, and Grad-CAM shows which", { timeout: 60_000 }, async () => {
  const cwd = folder();
  const command = ["evaluate", "scenes:24", "--spurious", "--methods", "grad-cam,occlusion", "--out", "out"];
  const { code, stdout, stderr } = await within([...command, "--json"], cwd);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const { figures, dataset, models } = JSON.parse(stdout);
  expect(dataset).toEqual({ location: "scenes:24", scenes: 24, used: trials.filter((t) => t.scene.seed < 24).length });
  expect(models.map(({ name, layer }: { name: string; layer: string }) => [name, layer])).toEqual([
    ["biased", "grid"],
    ["balanced", "grid"],
  ]);
  const value = (figure: string, network: string, method?: string) =>
    figures.find((f: Record<string, unknown>) => {
      return f.figure === figure && f.network === network && f.than === undefined && f.method === method;
    })?.value;
  // The card's figures on many scenes, less what so few may differ by chance.
  expect(value("right answers, the mark tells the right shape", "biased")).toBeGreaterThan(0.8);
  expect(value("right answers, the mark tells a wrong shape", "biased")).toBeLessThan(0.2);
  expect(value("right answers, the mark tells a wrong shape", "balanced")).toBeGreaterThan(0.6);
  const energy = (network: string, method: string) => value("energy on the mark", network, method);
  expect(energy("biased", "grad-cam")).toBeGreaterThan(5 * energy("balanced", "grad-cam"));
  expect(energy("biased", "occlusion")).toBeGreaterThan(energy("balanced", "occlusion"));
  expect(filesIn(path.join(cwd, "out"))).toEqual(["spurious.csv", "spurious.html", "spurious.json"]);
  const page = readFileSync(path.join(cwd, "out/spurious.html"), "utf8");
  expect(page).toContain("data:image/jpeg;base64,");
  expect(page).not.toMatch(/(?:src|href)="(?!data:|#)/);
});

test.each([
  ["photos", /invalid dataset for --spurious: photos; allowed are scenes:COUNT/],
  ["scenes-questions:3", /invalid dataset for --spurious/],
  ["scenes:3-3", /empty dataset: none of scenes:3-3/],
  ["scenes:3 --methods sorcery", /unknown method: "sorcery"/],
])("%s is refused", async (words, message) => {
  const cwd = folder();
  const [dataset, ...more] = words.split(" ");
  expectMistake(await within(["evaluate", dataset, "--spurious", ...more], cwd), cwd, message);
});

test("a model and metrics of one's own have no place in it", async () => {
  const cwd = folder();
  const command = ["evaluate", "scenes:3", "--spurious", "--metrics", "deletion"];
  expectMistake(await gradcam(command, cwd), cwd, "'--spurious' cannot be used with option '--metric <names>'");
});
