/** @file The service: what it answers, to whom, under load, and how it ends. */
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Answer, AskQuestion, Problem } from "../../src/client.ts";
import { connect, mapValues, type ServerError } from "../../src/client.ts";
import { encodePng } from "../../src/image/sharp.ts";
import { load } from "../../src/node/load.ts";
import { bundledAnswerer, bundledCaptioner, bundledModel, loadAnswerer, loadCaptioner } from "../../src/node.ts";
import { pngSize } from "../../src/render/png.ts";
import type { OpenApi } from "../../src/server/openapi.ts";
import { unet, vgg } from "../nets.ts";
import { base64, form, photo, post, postJson, started, token } from "./start.ts";

const small = await encodePng({
  width: 12,
  height: 9,
  data: Uint8Array.from({ length: 324 }, (_, i) => (i * 71) % 256),
});

/** What the OpenAPI document promises of a path's answer, as a check. */
async function promised(url: string) {
  const document = (await (await fetch(`${url}/openapi.json`)).json()) as OpenApi;
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema(document, "api");
  return (path: string, method: string, status: number, type: string, body: unknown) => {
    const response = document.paths[path][method].responses[status];
    expect(Object.keys(response.content ?? {})).toContain(type);
    const pointer = [path, method, "responses", String(status), "content", type, "schema"];
    const valid = ajv.getSchema(
      `api#/paths/${pointer.map((p) => p.replaceAll("~", "~0").replaceAll("/", "~1")).join("/")}`,
    );
    if (!valid) throw new Error("no schema");
    valid(body);
    expect(valid.errors ?? []).toEqual([]);
  };
}

test("answers as the library does, through the client, within what the OpenAPI document promises", async () => {
  const { client, url } = await started({
    models: [{ name: "lite0", task: "explain" as const, source: bundledModel }],
    loading: {},
  });
  const model = await load();
  onTestFinished(() => model.release());
  const check = await promised(url);

  const question = {
    classes: ["espresso", "top2"],
    methods: ["grad-cam", "guided-grad-cam"],
    include: ["overlay", "heat", "panel"],
  } as const;
  const answer = await client.explain(photo, question);
  check("/v1/explain", "post", 200, "application/json", answer);
  const why = await model.explain(photo, { classes: question.classes, method: question.methods });
  expect(answer.model).toEqual({ name: "lite0", sha256: model.sha256 });
  expect(answer.predictions.map((p) => p.label)).toEqual(why.predictions.map((p) => p.label));
  expect(answer.explanations).toHaveLength(4);
  for (const [i, e] of answer.explanations.entries()) {
    const own = why.explanations[i];
    expect([e.label, e.method, e.layer, e.peak, e.box]).toEqual([
      own.label,
      own.method,
      own.layer ?? null,
      own.peak,
      own.box,
    ]);
    expect(e.map.shape).toEqual(own.map.dims);
    const values = mapValues(e);
    const scale = own.map.data.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    expect(Math.max(...values.map((v, k) => Math.abs(v - own.map.data[k]))) / scale).toBeLessThan(1e-4);
    for (const png of [e.overlay, e.heat])
      expect(pngSize(Buffer.from(png ?? "", "base64"))).toEqual({ width: 640, height: 480 });
  }
  expect(pngSize(Buffer.from(answer.panel ?? "", "base64")).width).toBeGreaterThan(640);

  const overlay = await client.draw(photo, { classes: ["espresso"] });
  expect(overlay.type).toBe("image/png");
  expect(base64(new Uint8Array(await overlay.arrayBuffer()))).toBe(answer.explanations[0].overlay);
  check("/v1/models", "get", 200, "application/json", await client.models());
});

test("captions pictures and answers questions, as the library does", async () => {
  const models = [
    { name: "says", task: "caption" as const, source: bundledCaptioner },
    { name: "knows", task: "ask" as const, source: bundledAnswerer },
  ];
  const { client, url } = await started({ models, loading: {} });
  const check = await promised(url);
  const [captioner, answerer] = [await loadCaptioner(), await loadAnswerer()];
  onTestFinished(async () => {
    await captioner.release();
    await answerer.release();
  });

  const said = await client.caption(photo, { include: ["overlay"] });
  check("/v1/caption", "post", 200, "application/json", said);
  const own = await captioner.explain(photo);
  expect([said.model.name, said.caption.text, said.generated]).toEqual(["says", own.caption.text, true]);
  expect(said.explanations.map((e) => [e.text, e.kind, e.peak])).toEqual(
    own.explanations.map((e) => [e.text, e.kind, e.peak]),
  );
  expect(pngSize(Buffer.from(said.explanations[0].overlay ?? "", "base64"))).toEqual({ width: 640, height: 480 });

  const question = "what colour is the circle?";
  const told = await client.ask(photo, { question, answers: ["top2"] });
  check("/v1/ask", "post", 200, "application/json", told);
  const known = await answerer.ask(photo, question, { answers: ["top2"] });
  expect([told.question, told.tokens]).toEqual([question, known.tokens]);
  expect(told.explanations.map((e) => [e.label, e.peak])).toEqual(known.explanations.map((e) => [e.label, e.peak]));

  const maps = async (options?: AskQuestion["options"]) => {
    const heat = { include: ["heat" as const], options };
    const answers = [await client.caption(photo, heat), await client.ask(photo, { question, ...heat })];
    return answers.map(({ explanations }) => explanations.map((e) => e.heat));
  };
  const [usual, otherwise] = [await maps(), await maps({ sign: "negative" })];
  for (const i of usual.keys()) expect(otherwise[i]).not.toEqual(usual[i]);
  const refused = { status: 422, code: "invalid-option" };
  await expect(client.caption(photo, { options: { patch: 4 } })).rejects.toMatchObject(refused);
  await expect(client.ask(photo, { question, options: { layers: 99 } })).rejects.toMatchObject(refused);

  await expect(client.explain(photo)).rejects.toMatchObject({ status: 404, code: "unknown-model" });
  await expect(client.caption(photo, { model: "knows" })).rejects.toMatchObject({ status: 404 });
  await expect(client.ask(photo, { question: "" })).rejects.toMatchObject({ status: 400 });
  await expect(client.ask(photo, { question: "zzz qqq?" })).rejects.toMatchObject({ status: 422 });
});

describe("a small model", () => {
  test("forms and JSON say the same, with the question in a field or a file, before or after the picture", async () => {
    const { url, client } = await started();
    const question = { classes: ["bee"], methods: ["gradient"] };
    const answers = [await client.explain(small, question)];
    const late = form(small);
    late.append("question", JSON.stringify(question));
    for (const asked of [
      postJson(url, { ...question, image: base64(small) }),
      post(url, form(small, question)),
      post(url, late),
    ])
      answers.push((await (await asked).json()) as Answer);
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(answers[0].explanations[0]).toMatchObject({ label: "bee", method: "gradient", layer: null });
    expect(await client.ready()).toBe(true);
  });

  test("several models: the first by default, others by name, layers by name", async () => {
    const { client, url } = await started({}, unet());
    const check = await promised(url);
    const { models } = await client.models();
    const [first, second] = models[0].layers;
    expect((await client.explain(small)).explanations[0].layer).toBe(first.name);
    const at = await client.explain(small, { model: "net", layer: second.name });
    expect([at.explanations[0].layer, at.explanations[0].map.shape]).toEqual([second.name, second.grid]);
    const refused = async (question: object, status: number, code: string) => {
      const response = await post(url, form(small, question));
      const body = (await response.json()) as Problem;
      expect([response.status, body.code], JSON.stringify(body)).toEqual([status, code]);
      expect(response.headers.get("content-type")).toContain("application/problem+json");
      check("/v1/explain", "post", status, "application/problem+json", body);
    };
    await refused({ model: "other" }, 404, "unknown-model");
    await refused({ model: "../../etc/passwd" }, 404, "unknown-model");
    await refused({ layer: "logits" }, 422, "unknown-name");
    await refused({ classes: ["no such"] }, 422, "unknown-name");
    await refused({ classes: [99] }, 422, "unknown-name");
    await refused({ classes: ["top26"] }, 400, "invalid-request");
    await refused({ methods: ["no such"] }, 400, "invalid-request");
    await refused({ url: "http://localhost/" }, 400, "invalid-request");
  });

  test("a PNG shows one explanation, or the panel of several", async () => {
    const { url, client } = await started();
    const accept = { accept: "image/png" };
    const two = { classes: ["top2"] };
    expect((await post(url, form(small, two), accept)).status).toBe(422);
    expect(
      pngSize(new Uint8Array(await (await client.draw(small, { ...two, view: "panel" })).arrayBuffer())).width,
    ).toBeGreaterThan(12);
    expect(pngSize(new Uint8Array(await (await client.draw(small, { view: "heat" })).arrayBuffer()))).toEqual({
      width: 12,
      height: 9,
    });
    expect((await post(url, form(small), { accept: "text/html" })).status).toBe(406);
  });
});

test("with tokens: nothing without one but health and documents, and no secret or picture in the log", async () => {
  const { url, client, lines } = await started({ tokens: [token], logLevel: "trace" });
  for (const path of ["/", "/docs", "/openapi.json", "/healthz", "/readyz"])
    expect((await fetch(url + path)).status, path).toBe(200);
  for (const path of ["/v1/models", "/metrics", "/nowhere", "/v1/explain?x=/healthz"]) {
    const response = await fetch(url + path);
    expect([response.status, response.headers.get("www-authenticate")], path).toEqual([401, 'Bearer realm="gradcam"']);
  }
  expect((await post(url, form(small))).status).toBe(401);
  expect((await post(url, form(small), { authorization: `Bearer ${token}x` })).status).toBe(401);
  const wrong = await connect(url, { token: "wrong-wrong-wrong-wrong" })
    .models()
    .catch((e: ServerError) => e);
  expect(wrong).toMatchObject({ name: "ServerError", status: 401, code: "unauthorised" });
  expect((await client.explain(small)).explanations).toHaveLength(1);
  expect(
    (await postJson(url, { image: base64(small), classes: ["secret-class"] }, { authorization: `Bearer ${token}` }))
      .status,
  ).toBe(422);
  expect((await fetch(`${url}/v1/models?token=${token}`)).status).toBe(401);
  const log = lines.join("");

  expect(lines.length).toBeGreaterThan(8);
  expect(log).toContain('"route":"/v1/explain","status":200');
  for (const secret of [token, "wrong-wrong", "Bearer", base64(small).slice(10, 40), "secret-class"])
    expect(log, secret).not.toContain(secret);
});

test("pages of other origins may ask only where they are named", async () => {
  const origin = "https://app.example";
  const named = await started({ tokens: [token], cors: [origin] });
  const preflight = (url: string, from: string) =>
    fetch(`${url}/v1/explain`, {
      method: "OPTIONS",
      headers: { origin: from, "access-control-request-method": "POST" },
    });
  const allowed = (response: Response) => response.headers.get("access-control-allow-origin");
  expect(allowed(await preflight(named.url, origin))).toBe(origin);
  expect(allowed(await preflight(named.url, "https://evil.example"))).toBeNull();
  const answer = await post(named.url, form(small), { origin, authorization: `Bearer ${token}` });
  expect([answer.status, allowed(answer)]).toEqual([200, origin]);
  const closed = await started();
  expect(allowed(await preflight(closed.url, origin))).toBeNull();
  expect((await post(closed.url, form(small), { origin })).status).toBe(403);
});

test("every answer bids browsers keep to themselves, and the page of documents fetches nothing", async () => {
  const { url } = await started();
  for (const path of ["/docs", "/v1/models", "/nowhere"]) {
    const { headers } = await fetch(url + path);
    expect(headers.get("content-security-policy"), path).toContain("default-src 'none'");
    expect([headers.get("x-content-type-options"), headers.get("x-frame-options")], path).toEqual(["nosniff", "DENY"]);
  }
  const page = await (await fetch(url)).text(); // which leads to /docs
  expect(page).toContain("POST /v1/explain");
  expect(page).not.toMatch(/<script|<link|\bsrc=|url\(|@import/);
  expect(page.match(/href="[^"#][^"]*"/g)).toEqual(['href="openapi.json"']);
  const response = await fetch(`${url}/v1/explain`);
  expect([response.status, response.headers.get("allow")]).toEqual([405, "POST"]);
});

test("overload is refused with a time to come back, what was let in is answered, and then there is room again", async () => {
  const { client, url } = await started({ queue: 4 }, vgg());
  const settled = await Promise.allSettled(
    Array.from({ length: 24 }, () => client.explain(small, { methods: ["occlusion"] })),
  );
  const refused = settled.filter((r) => r.status === "rejected").map(({ reason }) => reason as ServerError);
  expect(settled.length - refused.length).toBeGreaterThanOrEqual(4);
  expect(refused.length).toBeGreaterThan(0);
  for (const { status, code, retryAfter } of refused) {
    expect([status, code]).toEqual([429, "overloaded"]);
    expect(retryAfter).toBeGreaterThanOrEqual(1);
  }
  expect((await client.explain(small)).explanations).toHaveLength(1);
  const metrics = await (await fetch(`${url}/metrics`)).text();
  expect(metrics).toMatch(/gradcam_requests_inside 0\n/);
  expect(metrics).toContain(
    `gradcam_requests_total{route="/v1/explain",method="POST",status="429"} ${refused.length}\n`,
  );
});

test("requests that come together share runs", async () => {
  const { client, url } = await started({ batch: 4 });
  const answers = await Promise.all(Array.from({ length: 8 }, (_, i) => client.explain(small, { classes: [i % 5] })));
  expect(answers.map(({ explanations }) => explanations[0].class)).toEqual([0, 1, 2, 3, 4, 0, 1, 2]);
  const metrics = await (await fetch(`${url}/metrics`)).text();
  const runs = Number(/gradcam_batch_size_count{model="net"} (\d+)/.exec(metrics)?.[1]);
  expect(runs).toBeLessThan(8);
  expect(metrics).toContain('gradcam_batch_size_sum{model="net"} 8\n');
});

/** A picture whose occlusion takes a while: on the bundled model, hundreds of runs. */
const slow = { methods: ["occlusion"] };
const bundled = {
  models: [{ name: "lite0", task: "explain" as const, source: bundledModel }],
  loading: { session: { intraOpNumThreads: 1 } },
};

test("who takes too long is told so; who leaves is no longer worked for", async () => {
  const { client, url } = await started({ ...bundled, timeout: 1 });
  await expect(client.explain(photo, slow)).rejects.toMatchObject({ status: 504, code: "timeout" });
  const leaving = new AbortController();
  setTimeout(() => leaving.abort(), 150);
  await expect(client.explain(photo, slow, { signal: leaving.signal })).rejects.toThrow("abort");
  // The occlusion of this model takes tens of seconds on one thread: another answer tells that it was given up.
  const patient = async (): Promise<unknown> => client.explain(small).catch(() => patient());
  expect(await patient()).toMatchObject({ model: { name: "lite0" } });
  const metrics = await (await fetch(`${url}/metrics`)).text();
  expect(metrics).toMatch(/gradcam_requests_inside 0\n/);
});

test("a server that is stopped answers what it has", async () => {
  const { client, close, url } = await started({}, vgg());
  const answers = Array.from({ length: 4 }, () => client.explain(small, slow));
  while (!/gradcam_requests_inside 4\n/.test(await (await fetch(`${url}/metrics`)).text()));
  const closed = close();
  expect((await Promise.all(answers)).map(({ explanations }) => explanations.length)).toEqual([1, 1, 1, 1]);
  await closed;
  await expect(client.ready()).rejects.toThrow();
});
