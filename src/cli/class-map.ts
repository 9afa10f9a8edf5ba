/** @file `--class-map`: the names of a dataset, and the model's classes that mean them. */
import { UserError } from "../errors.ts";
import { readJson } from "../node/files.ts";

type ClassMap = Record<string, (string | number)[]>;

/** @throws UserError `invalid-input` for another form than an object of lists. */
export async function readMapping(file: string): Promise<ClassMap> {
  const json = await readJson(file, "class map");
  const valid = (value: unknown): value is ClassMap =>
    typeof value === "object" && value !== null && Object.values(value).every(Array.isArray);
  if (!valid(json))
    throw new UserError(
      "invalid-input",
      `invalid class map: ${file} is not an object of lists, {"cat": ["tabby", 282]}`,
    );
  return json;
}
