/** @file The methods that any network can be asked by, about any of its classes. */
import { type GivenOptions, methods } from "../src/index.ts";

/** They take some networks or questions alone, and refuse the others in a line: see test/methods. */
const particular = new Set(["cam", "deeplift", "smooth-grad-cam++"]);

export const classMethods = methods.filter(
  ({ name, tasks, readsAttentions }) =>
    !particular.has(name) && !readsAttentions && (tasks === undefined || tasks.includes("classification")),
);

/** What is told a method of very many runs where a test asks every method, of small networks: fewer of them. */
const fewer: Readonly<Record<string, GivenOptions>> = {
  rise: { samples: 40 },
  lime: { samples: 40, segments: 9 },
  "kernel-shap": { samples: 80, segments: 9 },
  sobol: { samples: 8, cells: 3 },
  hsic: { samples: 40, cells: 3 },
  "extremal-perturbation": { steps: 4 },
  "minimal-sufficient": { samples: 1, cells: 4 },
  xrai: { steps: 4 },
};

export const quickly = (name: string): { readonly options?: GivenOptions } =>
  fewer[name] ? { options: fewer[name] } : {};
