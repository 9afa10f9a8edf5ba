/** @file Designing a study: pictures that fit, questions about them, and every visualisation, drawn once. */
import path from "node:path";
import { type Random, randomFor } from "../../array/random.ts";
import { UserError } from "../../errors.ts";
import { sourceAt } from "../../evaluate/source.ts";
import { methodName } from "../../methods/by-name.ts";
import { type LoadedClassifier, load } from "../../node/load.ts";
import { kinds } from "../kinds/index.ts";
import type { Item, KindName, Role, StudiedModel, Study } from "../study.ts";
import { Drawer } from "./drawer.ts";
import type { DesignOptions } from "./options.ts";
import { plans } from "./plans.ts";
import { type Fitting, stopped, survey } from "./survey.ts";

export interface Designed {
  readonly study: Study;
  /** WebP files by key. */
  readonly pictures: ReadonlyMap<string, Uint8Array>;
  /** Visualisations that show nothing, as their map is blank; they are shown as they are. */
  readonly blank: number;
}

const practiceItems = 2;
const checkItems = 2;

/** @throws UserError for a dataset with too few pictures that fit, models that do not go with the kind, and unknown methods. */
export async function designStudy(options: DesignOptions): Promise<Designed> {
  const { kind, seed } = options;
  const plan = plans[kind];
  const conditions = options.methods ?? plan.methods;
  for (const name of conditions) if (!plan.without.includes(name)) methodName(name);
  if (options.models.length !== kinds[kind].models)
    throw new UserError(
      "invalid-option",
      `invalid number of models: ${options.models.length}; a study of ${kind} takes ${kinds[kind].models}`,
    );
  const models: LoadedClassifier[] = [];
  try {
    for (const model of options.models) models.push(await load(model, options.load));
    const drawer = new Drawer(sourceAt(options.dataset), models, plan.photo, plan.without);
    const { fitting, studied } = await survey(
      { ...options, enough: options.pictures + practiceItems + checkItems },
      models,
      drawer,
    );
    // The better model comes first everywhere.
    const order = [...studied.keys()].sort((a, b) => fraction(studied[b]) - fraction(studied[a]));
    if (order.length === 2 && fraction(studied[0]) === fraction(studied[1]))
      throw new UserError(
        "invalid-input",
        "invalid models: both classify equally many images correctly, so neither is the better one",
      );
    const { trials, practice, checks } = divide(fitting, options);
    const random = randomFor(seed, "design");
    const items: Item[] = [];
    const roles: [Role, Fitting][] = [
      ...practice.map((one): [Role, Fitting] => ["practice", one]),
      ...checks.map((one): [Role, Fitting] => ["check", one]),
      ...trials.map((one): [Role, Fitting] => ["trial", one]),
    ];
    for (const [done, [role, { sample, questions }]] of roles.entries()) {
      stopped(options.signal);
      options.onProgress?.({ what: "images drawn", done, total: roles.length });
      // Every trial is asked in every condition; the others once, in the last.
      const some = role === "trial" ? questions : [questions[random.below(questions.length)]];
      const drawn = await drawer.items(sample, some, role === "trial" ? conditions : conditions.slice(-1), order);
      for (const item of drawn)
        items.push({ ...item, role, ...(role === "check" && { right: asked(kind, item.choices, random) }) });
    }
    const study: Study = {
      ...{ format: 1, gradcam: options.gradcam, kind, conditions, seed, consent: options.consent },
      models: order.map((i) => studied[i]),
      // Where it lies on this machine is nobody's business.
      dataset: options.dataset.includes("://") ? options.dataset : path.basename(path.resolve(options.dataset)),
      ratings: options.ratings,
      trials: Math.min(options.trials, trials.length),
      items,
    };
    return { study, pictures: drawer.pictures, blank: drawer.blank };
  } finally {
    for (const model of models) await model.release();
  }
}

/** A check of a scale asks for one of its ends. */
const asked = (kind: KindName, choices: readonly string[], random: Random): number =>
  kinds[kind].scale.fraction ? random.below(choices.length) : random.below(2) * (choices.length - 1);

const fraction = ({ accuracy }: StudiedModel): number => (accuracy ? accuracy.right / accuracy.of : 0);

/** Practice, checks and trials, of different pictures. */
function divide(fitting: readonly Fitting[], { pictures, kind }: DesignOptions) {
  const extra = practiceItems + checkItems;
  if (fitting.length <= extra)
    throw new UserError(
      "invalid-input",
      `too few images for a study of ${kind}: ${fitting.length} are suitable, at least ${extra + 1} are needed (${practiceItems} for practice, ${checkItems} for checks)`,
    );
  // Who only names what is in the picture must not do well at predicting: as many wrong answers as right ones, as far as there are.
  const balanced = kind === "prediction" ? alternating(fitting) : fitting;
  return {
    practice: balanced.slice(0, practiceItems),
    checks: balanced.slice(practiceItems, extra),
    trials: balanced.slice(extra, extra + pictures),
  };
}

function alternating(fitting: readonly Fitting[]): Fitting[] {
  const [wrong, others] = [
    fitting.filter(({ right }) => right === false),
    fitting.filter(({ right }) => right !== false),
  ];
  return Array.from({ length: Math.max(wrong.length, others.length) }, (_, i) => [wrong[i], others[i]])
    .flat()
    .filter((one) => one !== undefined);
}
