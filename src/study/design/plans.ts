/** @file The three plans. */
import { control } from "../kinds/prediction.ts";
import { preferences } from "../kinds/trust.ts";
import type { KindName } from "../study.ts";
import { categories, type Plan, rightClasses, short } from "./plan.ts";

/** Two questions about each picture with exactly two categories: one about either. */
const classDiscrimination: Plan = {
  ...{ accuracy: false, photo: false, without: [] },
  methods: ["deconvolution", "guided-backprop", "deconv-grad-cam", "guided-grad-cam", "grad-cam"],
  suits: ({ objects }) => {
    const all = [...categories(objects).values()];
    return all.length === 2 && all.every((classes) => classes.length > 0);
  },
  questions([{ sample, ranking }]) {
    const things = categories(sample.objects);
    const choices = [...things.keys()].sort();
    return choices.map((name, right) => {
      const means = new Set(things.get(name));
      // Of many classes that mean the category, the one that the model sees most of.
      const best = ranking.find((c) => means.has(c)) as number;
      return { subject: name, choices, right, classes: [best] };
    });
  },
};

const trust: Plan = {
  ...{ accuracy: true, photo: true, without: [] },
  methods: ["guided-backprop", "guided-grad-cam"],
  suits: (sample) => rightClasses(sample) !== undefined,
  questions(looks) {
    if (!looks.every(({ sample, ranking }) => rightClasses(sample)?.includes(ranking[0]))) return [];
    const said = new Set(looks.map(({ ranking, name }) => short(name(ranking[0]))));
    // Two breeds of dogs may both be right, where the dataset says "dog".
    const [subject] = said.size === 1 ? said : categories(looks[0].sample.objects).keys();
    if (subject === undefined) return [];
    return [{ subject, choices: preferences, classes: looks.map(({ ranking }) => ranking[0]) }];
  },
};

/** How many of the model's best classes there are to choose from. */
const options = 4;

const prediction: Plan = {
  ...{ accuracy: true, photo: true, without: [control] },
  methods: [control, "grad-cam", "guided-grad-cam"],
  suits: () => true,
  questions([{ ranking, name }]) {
    const labels = ranking.slice(0, options).map((c) => short(name(c)));
    if (new Set(labels).size < labels.length) return [];
    const choices = [...labels].sort();
    return [{ choices, right: choices.indexOf(labels[0]), classes: [ranking[0]] }];
  },
};

export const plans: { readonly [K in KindName]: Plan } = {
  "class-discrimination": classDiscrimination,
  trust,
  prediction,
};
