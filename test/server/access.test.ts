/** @file Who may ask, and what an Accept header prefers. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { preferred } from "../../src/server/accept.ts";
import { bearerCheck, checkExposure, isLocalRequest, readTokens } from "../../src/server/access.ts";
import { folder } from "../cli/run.ts";

const [one, two] = ["a".repeat(16), "b".repeat(40)];

describe("tokens", () => {
  test("any of them opens, in the form of RFC 6750 alone", () => {
    const opens = bearerCheck([one, two]);
    for (const right of [`Bearer ${one}`, `bearer ${two}`, `Bearer  ${two} `]) expect(opens(right), right).toBe(true);
    const wrong = [
      undefined,
      "",
      "Bearer",
      "Bearer ",
      one,
      `Basic ${one}`,
      `Bearer ${one}x`,
      `Bearer ${one.slice(1)}`,
      `Bearer ${one} ${two}`,
    ];
    for (const header of wrong) expect(opens(header), header).toBe(false);
  });

  test("without tokens nothing opens", () => {
    expect(bearerCheck([])("Bearer ")).toBe(false);
    expect(bearerCheck([])(undefined)).toBe(false);
  });

  test("are read from a file and the environment; what is wrong with one is said without it", async () => {
    const file = path.join(folder(), "tokens");
    writeFileSync(file, `${one}\n\n  ${two}\r\n`);
    expect(await readTokens(file, " from-the-environment ")).toEqual([one, two, "from-the-environment"]);
    expect(await readTokens(undefined, undefined)).toEqual([]);
    expect(await readTokens(undefined, "")).toEqual([]);
    writeFileSync(file, "tooshort\n");
    const error = await readTokens(file, undefined).catch((e) => e);
    expect(error).toMatchObject({ code: "invalid-option" });
    expect(error.message).not.toContain("tooshort");
    writeFileSync(file, "\n");
    await expect(readTokens(file, undefined)).rejects.toThrow("holds none");
    await expect(readTokens("/nowhere", undefined)).rejects.toThrow("missing tokens: /nowhere: no such file");
  });

  test("are needed where others can reach the server", () => {
    for (const host of ["127.0.0.1", "localhost", "::1", "127.1.2.3"]) checkExposure(host, []);
    for (const host of ["0.0.0.0", "::", "192.168.0.2", "example.org", "127.evil.org"]) {
      expect(() => checkExposure(host, []), host).toThrow("missing bearer token");
      checkExposure(host, [one]);
    }
  });
});

test.each([
  ["localhost:8080", undefined, true],
  ["127.0.0.1:8080", undefined, true],
  ["[::1]:8080", undefined, true],
  ["LOCALHOST", undefined, true],
  ["localhost:8080", "http://localhost:8080", true],
  ["localhost:8080", "http://localhost:3000", false],
  ["localhost:8080", "https://evil.example", false],
  ["localhost:8080", "null", false],
  ["rebound.example:8080", undefined, false],
  ["127.0.0.1.evil.example", undefined, false],
  [undefined, undefined, false],
])("without tokens: Host %s, Origin %s: %s", (host, origin, allowed) => {
  expect(isLocalRequest(host, origin)).toBe(allowed);
});

test.each([
  [undefined, "application/json"],
  ["*/*", "application/json"],
  ["image/png", "image/png"],
  ["image/*", "image/png"],
  ["image/webp, image/png;q=0.8, */*;q=0.1", "image/png"],
  ["application/json;q=0.4, image/png;q=0.5", "image/png"],
  ["*/*, application/json;q=0", "image/png"],
  ["Application/JSON", "application/json"],
  ["text/html", undefined],
  ["image/png;q=0", undefined],
  ["image/png;q=x", undefined],
])("Accept: %s prefers %s", (accept, wanted) => {
  expect(preferred(accept, ["application/json", "image/png"])).toBe(wanted);
});
