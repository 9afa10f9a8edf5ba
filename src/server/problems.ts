/** @file Errors as HTTP tells them (RFC 9457): the user's mistakes in their own words, our bugs in none. */

import { STATUS_CODES } from "node:http";
import type { Problem } from "../client/contract.ts";
import { UserError, type UserErrorCode } from "../errors.ts";
import { plainWords } from "../tasks/plain-words.ts";

/** An answer other than 200 that is no error of the library. */
export class HttpError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }
}

/** What the library refuses, as a status; what is missing here is ours. */
const statuses: Partial<Record<UserErrorCode, number>> = {
  "invalid-image": 422,
  "invalid-input": 422,
  "invalid-option": 422,
  "no-path": 422,
  "not-finite": 422,
  "unknown-name": 422,
  "unsupported-operator": 422,
  "too-large": 413,
};

/** What the framework refuses: a body that is too large, of another type, cut off. Its words are told where there are no better ones. */
const framework: Readonly<Record<number, { readonly code: string; readonly words?: string }>> = {
  408: { code: "timeout", words: "timeout: the request did not arrive in time" },
  413: { code: "too-large", words: "too large request: its body has more bytes than the server accepts" },
  415: {
    code: "unsupported-type",
    words: "unsupported type: allowed are multipart/form-data and application/json",
  },
};

export interface Told {
  /** What the runtime said, for the log alone. */
  readonly technical?: string;
  readonly problem: Omit<Problem, "request">;
  readonly headers: Readonly<Record<string, string>>;
}

/** How an error is told; `undefined` for our bug, of which nothing is told. */
export function told(error: unknown): Told | undefined {
  if (error instanceof HttpError) return tell(error.status, error.code, error.message, error.headers);
  if (error instanceof UserError) {
    const status = statuses[error.code];
    if (status === undefined) return undefined;
    const { words, technical } = plainWords(error.message);
    return { ...tell(status, error.code, words), ...(technical && { technical }) };
  }
  const { statusCode, message } = error as { statusCode?: number; message?: string };
  if (statusCode === undefined || statusCode < 400 || statusCode > 499) return undefined;
  const { code, words } = framework[statusCode] ?? { code: "invalid-request" };
  return tell(statusCode, code, words ?? `invalid request: ${message}`);
}

export const bug: Told = tell(500, "internal", "internal error; see the request's id in the server's log");

function tell(status: number, code: string, detail: string, headers: Told["headers"] = {}): Told {
  return { problem: { type: "about:blank", title: STATUS_CODES[status] ?? "Error", status, detail, code }, headers };
}
