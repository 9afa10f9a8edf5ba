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
  | "no-path"
  | "not-finite"
  | "too-large"
  | "unreachable"
  | "unknown-name"
  | "unsupported-operator"
  | "cannot-write"
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

/** A state that should be impossible, whatever the caller gave. */
export class InternalError extends Error {
  override readonly name = "InternalError";
  readonly code = "internal";
  constructor(message: string, options?: ErrorOptions) {
    super(`internal: ${message}`, options);
  }
}

/** `a, b, c and 12 more`: the allowed names in an error, without flooding the terminal. */
export function listing(names: Iterable<string>, most = 12): string {
  const all = [...names];
  const shown = all.slice(0, most).join(", ");
  return all.length > most ? `${shown} and ${all.length - most} more` : shown || "none";
}
