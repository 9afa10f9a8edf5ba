/** @file The cheap ones of what goes wrong around a queue; `npm run test:faults` has all. */
import { test } from "vitest";
import { type CaseName, endure } from "./queue-cases.ts";

const cheap: CaseName[] = ["two coordinators of the same results", "the queue holds what is no picture"];

test.each(cheap)("%s", { timeout: 120_000 }, (name) => endure(name, 16));
