/** @file Who may ask: those with a token, or, on the loopback interface alone, whoever is on this machine. */
import { createHash, timingSafeEqual } from "node:crypto";
import { UserError } from "../errors.ts";
import { readBytes } from "../node/files.ts";

/** Shorter tokens can be guessed. */
const shortest = 16;
const loopback = new Set(["localhost", "127.0.0.1", "::1", "[::1]"]);

export const isLoopback = (host: string): boolean => loopback.has(host) || /^127(\.\d{1,3}){3}$/.test(host);

/** The tokens of a file, one a line, and of the environment; several are for changing them without a gap. */
export async function readTokens(file: string | undefined, fromEnvironment: string | undefined): Promise<string[]> {
  const lines = file === undefined ? [] : new TextDecoder().decode(await readBytes(file, "tokens")).split(/\r?\n/);
  const tokens = [...lines, fromEnvironment ?? ""].map((line) => line.trim()).filter(Boolean);
  // What is wrong with a token is said without the token.
  if (tokens.some((token) => token.length < shortest || !/^[\x21-\x7e]+$/.test(token)))
    throw new UserError(
      "invalid-option",
      `invalid bearer token: tokens have at least ${shortest} characters, which are letters, digits and signs; make one with: openssl rand -hex 32`,
    );
  if (file !== undefined && tokens.length === 0)
    throw new UserError("invalid-option", `invalid bearer tokens: ${file} holds none; write one per line`);
  return tokens;
}

/** @throws UserError where others could reach the server and no token is wanted of them. */
export function checkExposure(host: string, tokens: readonly string[]): void {
  if (tokens.length === 0 && !isLoopback(host))
    throw new UserError(
      "invalid-option",
      `missing bearer token: others can reach the server on ${host}; give --token-file FILE or GRADCAM_TOKEN, or --host 127.0.0.1`,
    );
}

/** Whether an Authorization header bears one of the tokens, in a time that does not depend on which or how much of it is right. */
export function bearerCheck(tokens: readonly string[]): (authorization: string | undefined) => boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  const known = tokens.map(digest);
  return (authorization = "") => {
    const given = digest(/^Bearer +(\S+) *$/i.exec(authorization)?.[1] ?? "");
    return known.reduce((right, token) => timingSafeEqual(token, given) || right, false);
  };
}

/**
 * Whether a request without a token comes from where it seems to: its Host is this machine, so no foreign name was rebound to it, and no
 * page of another origin sent it.
 */
export function isLocalRequest(host: string | undefined, origin: string | undefined): boolean {
  const nameOf = (authority: string) => authority.replace(/:\d+$/, "").toLowerCase();
  if (host === undefined || !isLoopback(nameOf(host))) return false;
  return origin === undefined || origin === `http://${host}`;
}
