/** The repository. */
export const root: string;
/** Runs a line of the shell, without scripts that reach out and without questions. @returns what it prints; @throws Error with its last words */
export function shell(line: string, cwd: string, more?: Readonly<Record<string, string | undefined>>): Promise<string>;
