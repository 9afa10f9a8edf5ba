/**
 * @file Which picture an annotation is about. Folders of a dataset repeat file names (train/1.png, val/1.png), so pairs are made by path:
 * an annotation belongs to the picture that mirrors its place, and what may belong to several is refused.
 */
import { UserError } from "../../errors.ts";

/** A path without the ending of its name. */
export const withoutEnding = (file: string): string => file.replace(/\.[^./]*$/, "");

export const nameOf = (file: string): string => file.slice(file.lastIndexOf("/") + 1);

/** A file's folders, the outermost first. */
export const foldersOf = (file: string): string[] => file.split("/").slice(0, -1);

export const joined = (...parts: readonly string[]): string => parts.filter(Boolean).join("/");

export class Pictures {
  /** By name, and by name without its ending. */
  readonly #named = new Map<string, string[]>();
  readonly #takenBy = new Map<string, string>();
  readonly #roots = new Map<string, string>();

  constructor(private readonly files: readonly string[]) {
    for (const file of files)
      for (const name of new Set([nameOf(file), withoutEnding(nameOf(file))])) {
        const same = this.#named.get(name);
        if (same) same.push(file);
        else this.#named.set(name, [file]);
      }
  }

  /** Pictures of this name, with its ending or without one. */
  named(name: string): readonly string[] {
    return this.#named.get(name) ?? [];
  }

  /** The pictures at exactly this place, but for the ending: several where there is an a.jpg and an a.png. */
  at(place: string): readonly string[] {
    return this.named(nameOf(place)).filter((file) => file === place || withoutEnding(file) === place);
  }

  /** The pictures in a folder, or below it, whose path ends so, but for the ending of the name. */
  endingIn(tail: string, folder = ""): readonly string[] {
    const ends = (path: string) => path === joined(folder, tail) || path.endsWith(`/${tail}`);
    const inside = (file: string) => !folder || file.startsWith(`${folder}/`);
    return this.named(nameOf(tail)).filter((file) => inside(file) && (ends(file) || ends(withoutEnding(file))));
  }

  /** The folder that all pictures below a folder share. */
  root(folder = ""): string {
    const known = this.#roots.get(folder) ?? this.#rootOf(folder);
    this.#roots.set(folder, known);
    return known;
  }

  #rootOf(folder: string): string {
    const [first, ...others] = this.files.filter((file) => !folder || file.startsWith(`${folder}/`)).map(foldersOf);
    if (!first) return folder;
    const shared = others.reduce((length, folders) => {
      let same = 0;
      while (same < length && folders[same] === first[same]) same++;
      return same;
    }, first.length);
    return first.slice(0, shared).join("/");
  }

  some(test: (picture: string) => boolean): boolean {
    return this.files.some(test);
  }

  /** The innermost folder around a file that has pictures in it, or below it. */
  around(file: string): string {
    const folders = foldersOf(file);
    while (folders.length && !this.files.some((one) => one.startsWith(`${folders.join("/")}/`))) folders.pop();
    return folders.join("/");
  }

  /** Gives a picture to an annotation; @throws UserError where another one has it. */
  take(picture: string, annotation: string): string {
    const other = this.#takenBy.get(picture);
    if (other !== undefined)
      throw new UserError(
        "invalid-input",
        `invalid dataset: ${other} and ${annotation} are both about ${picture}; leave one of them out`,
      );
    this.#takenBy.set(picture, annotation);
    return picture;
  }

  /** Those that no annotation is about. */
  rest(): readonly string[] {
    return this.files.filter((file) => !this.#takenBy.has(file));
  }
}

/** The only one; @throws UserError that names the first two of several. */
export function only(found: readonly string[], annotation: string): string | undefined {
  if (found.length > 1)
    throw new UserError(
      "invalid-input",
      `invalid dataset: ${annotation} may be about ${found[0]} or ${found[1]}; give it the place of its picture, folder by folder`,
    );
  return found[0];
}
