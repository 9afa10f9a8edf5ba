/** @file From what both networks made of the scenes to figures with intervals, paired over scenes. */

import { randomFor } from "../../array/random.ts";
import { bootstrap, type Estimate, mean } from "../../array/statistics.ts";
import { paint } from "../../scenes/index.ts";
import { csv } from "../csv.ts";
import { cues, type Examined } from "./examine.ts";
import { type Lying, Places } from "./places.ts";
import { type Trial, withCue } from "./trial.ts";

/** The pair: trained on scenes whose mark tells the answer, and on the same scenes with marks at random. */
export const networks = ["biased", "balanced"] as const;
export type Network = (typeof networks)[number];

export interface Look extends Readonly<Record<Network, Examined>> {
  readonly trial: Trial;
}

/** A mean over scenes of one network, or how far it is above that of another. */
export interface SpuriousFigure extends Estimate {
  /** `right answers, …` by what the mark tells; or where maps lie. */
  readonly figure: string;
  readonly network: Network | "pair" | "chance";
  readonly than?: Network;
  /** Whose maps; none for answers and chance. */
  readonly method?: string;
}

/** As CSV: a line for each figure of a network, and for how far it is above the other's (with `than`). */
export const spuriousCsv = (figures: readonly SpuriousFigure[]): string =>
  csv([
    ["figure", "network", "than", "method", "value", "low", "high", "scenes"],
    ...figures.map((f) => [f.figure, f.network, f.than ?? "", f.method ?? "", f.value, f.low, f.high, f.count]),
  ]);

/** Names of the places' figures. */
const lying: Readonly<Record<keyof Lying, string>> = {
  energyOnMark: "energy on the mark",
  energyOnObject: "energy on the object",
  peakOnMark: "peak on the mark",
  peakOnObject: "peak on the object",
};

export function figuresOf(looks: readonly Look[], methods: readonly string[], seed: number): SpuriousFigure[] {
  const figures: SpuriousFigure[] = [];
  const add = (named: Omit<SpuriousFigure, keyof Estimate>, of: (look: Look) => number) => {
    const random = randomFor(seed, "spurious", ...Object.values(named));
    figures.push({ ...named, ...bootstrap(looks.map(of), mean, random) });
  };
  const addBoth = (named: { figure: string; method?: string }, of: (examined: Examined) => number) => {
    for (const network of networks) add({ ...named, network }, (look) => of(look[network]));
    add({ ...named, network: "biased", than: "balanced" }, ({ biased, balanced }) => of(biased) - of(balanced));
  };
  const told = { right: "the mark tells the right shape", wrong: "the mark tells a wrong shape", none: "no mark" };
  for (const cue of cues) addBoth({ figure: `right answers, ${told[cue]}` }, ({ right }) => Number(right[cue]));
  methods.forEach((method, i) => {
    for (const key of keys) addBoth({ figure: lying[key], method }, ({ maps }) => maps[i].lying[key]);
    for (const network of networks)
      add({ figure: "blank maps", method, network }, (look) => Number(look[network].maps[i].blank));
    // By one scene's two maps: which of the networks takes the shortcut? Chance is right half the time.
    const apart = ({ biased, balanced }: Look) =>
      (1 + Math.sign(biased.maps[i].lying.energyOnMark - balanced.maps[i].lying.energyOnMark)) / 2;
    add({ figure: "told apart by energy on the mark", network: "pair", method }, apart);
  });
  const chances = new Map(looks.map(({ trial }) => [trial, chanceOf(trial)]));
  for (const key of keys)
    add({ figure: lying[key], network: "chance" }, ({ trial }) => (chances.get(trial) as Lying)[key]);
  return figures;
}

const keys = Object.keys(lying) as (keyof Lying)[];

const chanceOf = (trial: Trial): Lying => new Places(paint(withCue(trial, "right")), trial.object).byChance;
