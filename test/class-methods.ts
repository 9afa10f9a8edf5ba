/** @file The methods that any network can be asked by, about any of its classes. */
import { methods } from "../src/index.ts";

/** They take some networks or questions alone, and refuse the others in a line: see test/methods. */
const particular = new Set(["cam", "deeplift", "smooth-grad-cam++"]);

export const classMethods = methods.filter(
  ({ name, tasks }) => !particular.has(name) && (tasks === undefined || tasks.includes("classification")),
);
