/** The repository. */
export const root: string;
/** Runs a line of the shell, without scripts that reach out and without questions. @returns what it prints; @throws Error with its last words */
export function shell(line: string, cwd: string, more?: Readonly<Record<string, string | undefined>>): Promise<string>;
/** A folder of that name into which npm has installed the packed package and these others. */
export function installed(name: string, packages: readonly string[]): Promise<string>;
/** Removes what was packed and installed. */
export function cleanUp(): void;
