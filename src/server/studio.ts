/** @file The studio, from the server that it may ask: its files, for anybody, with their own headers in place of the answers'. */
import { createReadStream } from "node:fs";
import type { FastifyInstance } from "fastify";
import { contentType, fileHeaders } from "../node/serve-files.ts";
import { studioFiles } from "../node/studio.ts";
import { HttpError } from "./problems.ts";

export const studioPath = "/studio/";

/** @throws UserError for a studio that is not built, and for a missing onnxruntime-web. */
export async function serveStudio(app: FastifyInstance): Promise<void> {
  const { files } = await studioFiles(undefined, undefined);
  app.get("/studio", (_, reply) => reply.redirect(studioPath.slice(1)));
  app.get<{ Params: { "*": string } }>(`${studioPath}*`, async ({ params }, reply) => {
    const name = params["*"] || "index.html";
    const served = files.get(name);
    if (served === undefined) throw new HttpError(404, "unknown-path", `unknown path; ${studioPath} is the studio`);
    reply.headers(fileHeaders).removeHeader("content-security-policy").type(contentType(name));
    return typeof served === "function" ? served() : createReadStream(served);
  });
}
