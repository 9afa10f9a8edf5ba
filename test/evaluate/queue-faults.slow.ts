/** @file All that goes wrong around a queue, some of which takes as long as a worker's silence. */
import { test } from "vitest";
import { caseNames, endure } from "./queue-cases.ts";

test.each(caseNames)("%s", { timeout: 300_000 }, (name) => endure(name, 48));
