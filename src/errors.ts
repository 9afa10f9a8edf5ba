/**
 * @file The errors of the package. Every one has a `code`, says what was seen and what is allowed.
 *
 * A {@link UserError} is the caller's to mend (a file, a name, an option); the command line prints its message alone and
 * ends with 2. Anything else is our bug: {@link InternalError}, whose message starts with `internal:`, ends with 1.
 */

/** What went wrong, for programs to branch on. */
export type UserErrorCode =
  | "invalid-model"
  | "invalid-image"
  | "invalid-input"
  | "invalid-option"
  | "missing-file"
  | "missing-package"
  | "missing-runtime"
  | "no-path"
  | "not-finite"
  | "too-large"
  | "unreachable"
  | "unknown-name"
  | "unsupported-operator"
  | "cannot-write"
  | "device-lost"
  | "runtime-lost"
  | "released"
  | "cancelled";

/** A mistake that the caller can mend. */
export class UserError extends Error {
  override readonly name = "UserError";
  constructor(
    readonly code: UserErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * What is said where an optional package does not come: that it is not installed, and how it would be, or why it does not load.
 * @param use what it is for: "which reads images"
 */
export function missingPackage(packages: readonly string[], use: string, cause: unknown): UserError {
  const named = `package${packages.length > 1 ? "s" : ""} ${packages.join(" and ")}, ${use}`;
  const message = isAbsent(packages, cause)
    ? `missing ${named}: npm i ${packages.join(" ")}`
    : `missing ${named}: does not load: ${firstLine(cause)}`;
  return new UserError("missing-package", message, { cause });
}

/** As Node, Bun, Vite, Chrome, Firefox and Safari say it, in this order. */
const searched =
  /(?:cannot find (?:package|module)|could not resolve|failed to resolve module specifier|the specifier|module name,) ['"“]([^'"”]+)/i;

/** Whether it is one of these that was looked for in vain, not something that it needs. */
export function isAbsent(packages: readonly string[], cause: unknown): boolean {
  const { code = "", message = "" } = (cause ?? {}) as { code?: unknown; message?: string };
  const [, wanted] = searched.exec(message) ?? [];
  if (wanted !== undefined) return packages.some((name) => wanted === name || wanted.startsWith(`${name}/`));
  return /MODULE_NOT_FOUND|UNDECLARED_DEPENDENCY|MISSING_(PEER_)?DEPENDENCY/.test(String(code));
}

export const firstLine = (cause: unknown): string =>
  (cause instanceof Error ? cause.message : String(cause)).trim().split("\n")[0];

/** A state that should be impossible, whatever the caller gave. */
export class InternalError extends Error {
  override readonly name = "InternalError";
  readonly code = "internal";
  constructor(message: string, options?: ErrorOptions) {
    super(`internal: ${message}`, options);
  }
}

/** What must be there, by how it was made; @throws InternalError that names it. */
export function present<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new InternalError(`${what} is missing`);
  return value;
}

/** @throws UserError `cancelled` where who asked has said so. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new UserError("cancelled", "cancelled");
}

/** `a, b, c and 12 more`: the allowed names in an error, without flooding the terminal. */
export function listing(names: Iterable<string>, most = 12): string {
  const all = [...names];
  const shown = all.slice(0, most).join(", ");
  return all.length > most ? `${shown} and ${all.length - most} more` : shown || "none";
}

/** Whether a value fits an option, and what is allowed. */
export type Check = readonly [fits: (value: unknown) => boolean, allowed: string];

/** All options of a kind, by name: a table in which none can be missing. Those that are `true` are checked where they are used. */
export type OptionNames<T> = Readonly<Record<keyof T, true | Check>>;

/** @throws UserError `invalid-option` for what is no object, for an option of another name (those that are allowed are listed), or an unfit one. */
export function checkOptions<T>(given: unknown, names: OptionNames<T>, of: string): void {
  const allowed = listing(Object.keys(names), 40);
  expects(isRecord(given), `options of ${of}`, given, `an object of ${allowed}`);
  for (const [name, value] of Object.entries(given as object))
    if (value !== undefined && !Object.hasOwn(names, name))
      throw new UserError("invalid-option", `unknown option of ${of}: "${name}"; allowed are ${allowed}`);
  for (const [name, check] of Object.entries<true | Check>(names)) {
    const value = (given as Readonly<Record<string, unknown>>)[name];
    if (check !== true && value !== undefined) expects(check[0](value), name, value, check[1]);
  }
}

/** @throws UserError `invalid-option` that says what was given and what is allowed. */
export function expects(fits: boolean, what: string, given: unknown, allowed: string): void {
  if (!fits) throw new UserError("invalid-option", `invalid ${what}: ${shown(given)}; allowed is ${allowed}`);
}

/** An object that is no list. */
export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((one) => typeof one === "string");

function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 80));
  if (typeof value === "function") return "a function";
  if (Array.isArray(value))
    return value.length < 5 && value.every(Number.isFinite) ? `[${value}]` : `a list of ${value.length}`;
  return isRecord(value) ? `{ ${Object.keys(value).slice(0, 4).join(", ")} }` : String(value);
}
