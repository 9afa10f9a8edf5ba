/** @file Files that a person picked, in the worker: where they lie in their directory, and whether a tab can hold them. */
import { UserError } from "gradcam";
import type { PickedFile } from "./contract.ts";

/** A model above this does not fit into a tab twice, which is what it takes to run it. */
const mostModelBytes = 400e6;

/** @throws UserError `too-large` */
export function filesOf(picked: readonly PickedFile[]): File[] {
  const large = picked.find(({ file }) => file.size > mostModelBytes);
  if (large) {
    const { name, size } = large.file;
    throw new UserError(
      "too-large",
      `too large model: ${name} has ${Math.round(size / 1e6)} MB, a browser tab takes ${mostModelBytes / 1e6} MB; on the command line there is no limit: gradcam explain photo.jpg --model ${name}`,
    );
  }
  return picked.map(({ file, path }) => Object.defineProperty(file, "webkitRelativePath", { value: path }));
}
