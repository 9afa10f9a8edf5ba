/** @file One word, one thing: no two types of the rooms where questions are asked and answered bear one name. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const source = fileURLToPath(new URL("../../src", import.meta.url));
const rooms = ["explain", "tasks", "methods"] as const;

/** Where types are declared, by name. */
function declared(): Map<string, string[]> {
  const places = new Map<string, string[]>();
  for (const room of rooms)
    for (const file of readdirSync(`${source}/${room}`, { recursive: true, encoding: "utf8" })) {
      if (!file.endsWith(".ts")) continue;
      const text = readFileSync(`${source}/${room}/${file}`, "utf8");
      for (const [, name] of text.matchAll(/^(?:export )?(?:abstract )?(?:class|interface|type|enum) (\w+)/gm))
        places.set(name, [...(places.get(name) ?? []), `${room}/${file}`].sort());
    }
  return places;
}

test("the scan sees classes, interfaces and types", () => {
  expect([...declared().keys()]).toEqual(expect.arrayContaining(["Explainer", "RawMap", "MethodName"]));
});

test("no name of a type is declared twice", () => {
  const twice = [...declared()].filter(([, places]) => places.length > 1);
  expect(Object.fromEntries(twice)).toEqual({});
});
