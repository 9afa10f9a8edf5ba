/** @file The pictures that come with the studio. */
import { UserError } from "gradcam";
import { giveOne } from "./roll.ts";

export const examples = [
  { name: "cat-and-cup", title: "A cat and a cup of espresso" },
  { name: "cat", title: "A cat" },
  { name: "rocket", title: "A rocket on its pad" },
] as const;

export const showExample = (name: string, index?: number): Promise<void> =>
  giveOne(fetched(name), { name, example: name }, index);

/** Between one try and the next, in milliseconds. */
const waits = [300, 1000, 3000];

async function fetched(name: string): Promise<Blob> {
  for (let failures = 0; ; failures++)
    try {
      const response = await fetch(new URL(`examples/${name}.jpg`, document.baseURI));
      if (response.ok) return await response.blob();
      throw new Error(String(response.status));
    } catch {
      const wait = waits[failures];
      if (wait === undefined)
        throw new UserError("missing-file", `missing file: examples/${name}.jpg cannot be fetched`);
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
}
