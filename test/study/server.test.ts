/** @file The service of a study: what it takes, what it refuses, and that nothing can be done twice. */

import { mkdtempSync, rmSync } from "node:fs";
import { type RequestOptions, request } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { randomFor } from "../../src/array/random.ts";
import { peopleOf } from "../../src/study/answers.ts";
import { type Serving, serveStudy } from "../../src/study/server.ts";
import { Store } from "../../src/study/store.ts";
import { madeUp, written } from "./fixtures.ts";
import { Client, readsQuestions } from "./serving.ts";

const directory = mkdtempSync(path.join(tmpdir(), "gradcam-study-"));
let store: Store;
let serving: Serving;
const client = () => new Client(serving.url);

beforeAll(async () => {
  store = await Store.open(await written(path.join(directory, "a.study"), madeUp({ pictures: 8, trials: 8 })));
  serving = await serveStudy(store, { host: "127.0.0.1", port: 0, returnTo: "https://example.org/done?cc={code}" });
});
afterAll(async () => {
  await serving.close();
  store.close();
  rmSync(directory, { recursive: true, force: true });
});

describe("taking part", () => {
  test("without consent nothing begins", async () => {
    const somebody = client();
    expect((await somebody.post("begin", {})).location).toBe("./");
    expect((await somebody.get("next")).status).toBe(403);
    expect(store.participants()).toEqual([]);
  });

  test("every page is there, the code stays the same, and the way back to the site has it", async () => {
    const somebody = client();
    expect((await somebody.get("")).text).toContain("Made up.");
    expect((await somebody.begin()).location).toBe("instructions");
    expect((await somebody.get("instructions")).text).toContain("10 questions");
    const practice = (await somebody.question())!;
    expect((await somebody.answer(practice, 0)).location).toBe("feedback?position=0");
    expect((await somebody.get("feedback?position=0")).text).toContain("It was: dog.");
    const code = await somebody.finish();
    expect(code).toMatch(/^[2-9A-HJ-NP-Z]{10}$/);
    expect(await somebody.finish()).toBe(code);
    expect((await somebody.get("done")).text).toContain(`https://example.org/done?cc=${code}`);
    expect((await somebody.get("")).location).toBe("next");
  });

  test("an address that is none is a page as any other", async () => {
    expect(await raw("/%ff", { method: "GET" })).toBe(404);
    const { hostname, port } = new URL(serving.url);
    const answer = await fetch(`http://${hostname}:${port}/%ff`);
    expect(answer.headers.get("content-type")).toContain("text/html");
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
  });

  test("a closed tab is resumed at the same question; an answer that is sent twice counts once, the first", async () => {
    const somebody = client();
    await somebody.begin();
    const first = (await somebody.question())!;
    expect((await somebody.question())!.position).toBe(first.position);
    await Promise.all([1, 1, 1, 1, 1].map((answer) => somebody.answer(first, answer)));
    expect((await somebody.answer(first, 0)).status).toBe(303);
    const next = (await somebody.question())!;
    expect(next.position).toBe(first.position + 1);
    const id = store.participants().find(({ finished }) => finished === null)!.id;
    expect(
      store
        .places(id)
        .map(({ answer }) => answer)
        .slice(0, 2),
    ).toEqual([1, null]);
    await somebody.finish();
  });

  test("who has finished keeps the code: there is nothing left to delete", async () => {
    const somebody = client();
    await somebody.begin();
    const question = (await somebody.question())!;
    const code = await somebody.finish();
    const before = store.participants().length;
    expect((await somebody.get("leave")).location).toBe("done");
    expect((await somebody.post("leave", { token: question.token })).location).toBe("done");
    expect(store.participants()).toHaveLength(before);
    expect(await somebody.finish()).toBe(code);
  });

  test("who presses on without reading is left out, and who withdraws is gone", async () => {
    const careless = client();
    await careless.begin();
    await careless.finish((question) => {
      const reads = readsQuestions(question);
      return question.text.includes("please press") ? 1 - reads : reads;
    });
    expect(peopleOf(store).filter(({ state }) => state === "missed a check")).toHaveLength(1);
    const before = store.participants().length;
    const somebody = client();
    await somebody.begin();
    const question = (await somebody.question())!;
    await somebody.answer(question, 0);
    expect(store.participants()).toHaveLength(before + 1);
    expect((await somebody.post("leave", { token: question.token })).text).toContain("Deleted");
    expect(store.participants()).toHaveLength(before);
    expect((await somebody.get("next")).status).toBe(403);
  });
});

/** The status of a request as it is written, which `URL` would tidy up. */
const raw = (target: string, init: RequestOptions, body?: string | Buffer) =>
  new Promise<number>((resolve, reject) => {
    const { hostname, port } = new URL(serving.url);
    const sent = request({ hostname, port, path: target, ...init }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    sent.on("error", reject).end(body);
  });

describe("what is refused", () => {
  let somebody: Client;
  beforeAll(async () => {
    somebody = client();
    await somebody.begin();
  });
  const unchanged = async (act: () => Promise<{ status: number }>, status: number) => {
    const before = (await somebody.question())!;
    expect((await act()).status).toBe(status);
    expect(await somebody.question()).toEqual(before);
  };

  test("forms of other sites, by the browser's word, by origin, and by the form's token", async () => {
    const { token, position } = (await somebody.question())!;
    const form = { token, position, answer: 0 };
    for (const headers of [
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site" },
      { "sec-fetch-site": "none" },
      { origin: "https://example.org" },
      { origin: "null" },
    ] as Record<string, string>[])
      await unchanged(() => somebody.post("answer", form, headers), 403);
    await unchanged(() => somebody.post("answer", { ...form, token: "" }), 403);
    await unchanged(() => somebody.post("answer", { ...form, token: "0".repeat(64) }), 403);
    await unchanged(() => somebody.post("leave", {}), 403);
  });

  test("answers and positions that there are not", async () => {
    const { token, position } = (await somebody.question())!;
    for (const form of [
      { position, answer: 2 },
      { position, answer: -1 },
      { position, answer: "" },
      { position, answer: "1e0" },
      { position: position + 1, answer: 0 },
      { position: -1, answer: 0 },
      { position: 9999, answer: 0 },
      { position: "0x0", answer: 0 },
    ])
      await unchanged(() => somebody.post("answer", { token, ...form }), 400);
  });

  test("long bodies, other types, other methods, and what is not there", async () => {
    const { token, position } = (await somebody.question())!;
    await unchanged(() => somebody.post("answer", { token, position, answer: 0, more: "x".repeat(5000) }), 413);
    await unchanged(() => somebody.post("answer", {}, { "content-type": "application/json" }), 400);
    await unchanged(() => somebody.post("answer", {}, { "content-type": "text/xml" }), 415);
    await unchanged(() => somebody.get(`picture/${"a".repeat(90)}`), 414);
    for (const place of ["answers", "study", ".git/config", "picture/", `picture/${"c".repeat(32)}`])
      await unchanged(() => somebody.get(place), 404);
  });

  test("a token that is not ASCII, and cookies, queries and bodies of any make: refused, never an error of ours", async () => {
    const { token, position } = (await somebody.question())!;
    await unchanged(() => somebody.post("answer", { token: "é".repeat(64), position, answer: 0 }), 403);
    await unchanged(() => somebody.post("leave", { token: "\u{1d518}".repeat(32) }), 403);
    const [name] = somebody.cookie.split("=");
    const random = randomFor("junk");
    const pick = <T>(list: readonly T[]): T => list[random.below(list.length)];
    const bytes = () => Buffer.from(Array.from({ length: 64 }, () => random.below(256)));
    const junk = () =>
      pick([
        "",
        "%",
        "%00",
        "%ff".repeat(64),
        "\xff".repeat(64),
        "__proto__",
        "1e309",
        "null",
        "[]",
        `${token}0`,
        bytes().toString("latin1"),
      ]);
    const headers = () => ({
      cookie: pick([somebody.cookie, `${name}=${junk()}`, junk(), name, `${name}=; ${somebody.cookie}`]).replace(
        /\p{Cc}/gu,
        "",
      ),
    });
    const types = [
      "application/x-www-form-urlencoded",
      "application/x-www-form-urlencoded; charset=utf-16",
      "application/json",
      "text/plain",
      ";",
    ];
    const bodies = () => [
      new URLSearchParams({ token: pick([token, junk()]), position: junk(), answer: junk() }).toString(),
      JSON.stringify(
        pick<unknown>([
          null,
          [],
          5,
          "x",
          { token: 5 },
          { token: { length: 64 } },
          { token: [token] },
          { token, position: ["0"] },
        ]),
      ),
      '{"__proto__":{"token":"x"}}',
      "token=%ff&token=%c3&&&==&position[]=0",
      bytes(),
    ];
    const places = [
      "/",
      "/next",
      "/answer",
      "/leave",
      "/begin",
      "/done",
      "/feedback?position[]=1&position=2",
      "/feedback?__proto__=1",
    ];
    for (let n = 0; n < 600; n++) {
      const form = random.below(2) === 0;
      const place = pick([
        ...places,
        `/feedback?position=${encodeURIComponent(junk())}`,
        `/picture/${encodeURIComponent(junk()).slice(0, 60)}`,
      ]);
      const sent = { ...headers(), ...(form && { "content-type": pick(types) }) };
      const body = form ? pick(bodies()) : undefined;
      const status = await raw(place, { method: form ? "POST" : "GET", headers: sent }, body);
      expect([200, 303, 400, 403, 404, 413, 414, 415, 429], `${place} ${JSON.stringify(sent)} ${body}`).toContain(
        status,
      );
    }
    expect((await somebody.question())!.position).toBe(position);
  });

  test("paths that leave, and bytes that are none", async () => {
    for (const target of [
      "/../../etc/passwd",
      "/picture/..%2f..%2fetc%2fpasswd",
      "/picture/%00",
      "/%ff",
      "/picture/%",
      "//etc/passwd",
    ]) {
      const status = await raw(target, { headers: { cookie: somebody.cookie } });
      expect([400, 404], target).toContain(status);
    }
    expect((await somebody.get("next")).status).toBe(200);
  });

  test("pictures to strangers", async () => {
    const place = `picture/${"a".repeat(32)}`;
    expect((await client().get(place)).status).toBe(404);
    expect((await somebody.get(place)).headers.get("content-type")).toBe("image/webp");
  });
});

test("every answer carries the headers that keep it safe, and cookies cannot be read or sent from elsewhere", async () => {
  const somebody = client();
  for (const page of [await somebody.get(""), await somebody.get("nothing"), await somebody.get("style.css")]) {
    expect(page.headers.get("content-security-policy")).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
    expect(page.headers.get("x-content-type-options")).toBe("nosniff");
    expect(page.headers.get("referrer-policy")).toBe("same-origin");
  }
  const begun = await somebody.post("begin", { agree: "yes" }, { "x-forwarded-proto": "https" });
  expect(begun.headers.get("set-cookie")).toMatch(/; HttpOnly; SameSite=Lax; Secure$/);
  expect(begun.headers.get("cache-control")).toBe("no-store");
});

test("what stands in a study is text, never hypertext", async () => {
  const nasty = { ...madeUp(), consent: ['<script>alert(1)</script> & "more"'] };
  const other = await Store.open(await written(path.join(directory, "nasty.study"), nasty));
  const there = await serveStudy(other, { host: "127.0.0.1", port: 0 });
  const { text } = await new Client(there.url).get("");
  expect(text).toContain("&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;more&quot;");
  await there.close();
  other.close();
});

test("one code for everybody, where the site wants it so", async () => {
  const other = await Store.open(await written(path.join(directory, "one-code.study"), madeUp()));
  const there = await serveStudy(other, { host: "127.0.0.1", port: 0, completionCode: "C1X2" });
  for (const somebody of [new Client(there.url), new Client(there.url)]) {
    await somebody.begin();
    expect(await somebody.finish()).toBe("C1X2");
  }
  await there.close();
  other.close();
});

test("a port that is taken is told in one line", async () => {
  const port = Number(new URL(serving.url).port);
  await expect(serveStudy(store, { host: "127.0.0.1", port })).rejects.toThrow(/^cannot listen on 127\.0\.0\.1:\d+: /);
});
