/** @file What Node.js refuses before there is a request to answer: told as every other problem, on the bare connection. */
import { randomUUID } from "node:crypto";
import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { HttpError, type Told, told } from "./problems.ts";

const refusals: Readonly<Record<string, HttpError>> = {
  HPE_HEADER_OVERFLOW: new HttpError(431, "too-large", "too large header: allowed are 16 KB in all"),
  HPE_CHUNK_EXTENSIONS_OVERFLOW: new HttpError(413, "too-large", "too large chunk extensions"),
  ERR_HTTP_REQUEST_TIMEOUT: new HttpError(408, "timeout", "timeout: the request did not arrive in time"),
};
const broken = new HttpError(400, "invalid-request", "invalid request: it is not HTTP/1.1 as RFC 9112 has it");

export interface Refusing {
  /** What every answer bears. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Answers what the parser could not read. */
export const refuseUnread =
  ({ headers }: Refusing) =>
  (error: NodeJS.ErrnoException, socket: Duplex & { readonly bytesWritten?: number }): void => {
    if (error.code !== "ECONNRESET" && socket.writable)
      socket.write(rawAnswer(refusals[error.code ?? ""] ?? broken, headers));
    socket.destroy(error);
  };

/** Answers the two kinds of requests that Node.js hands to nobody: tunnels, and expectations that nobody meets. */
export function refuseUnheard(server: Server, { headers }: Refusing): void {
  server.on("connect", (_: IncomingMessage, socket: Duplex) => {
    socket.on("error", () => undefined); // it may be gone
    const refusal = new HttpError(405, "unsupported-method", "unsupported method: CONNECT", { allow: "GET, POST" });
    socket.end(rawAnswer(refusal, headers));
  });
  server.on("checkExpectation", (_: IncomingMessage, response: ServerResponse) => {
    const refusal = new HttpError(
      417,
      "invalid-request",
      'invalid request: the only expectation met is "100-continue"',
    );
    const { body, all } = answerOf(refusal, headers);
    response.writeHead(417, all).end(body);
  });
}

function rawAnswer(refusal: HttpError, headers: Refusing["headers"]): string {
  const { body, all } = answerOf(refusal, headers);
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return [`HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status]}`, ...lines, "", body].join("\r\n");
}

function answerOf(refusal: HttpError, headers: Refusing["headers"]) {
  const { problem, headers: own } = told(refusal) as Told;
  const request = randomUUID();
  const body = JSON.stringify({ ...problem, request });
  const all = {
    ...{ ...headers, ...own, "x-request-id": request, connection: "close" },
    ...{ "content-type": "application/problem+json", "content-length": String(Buffer.byteLength(body)) },
  };
  return { body, all };
}

/** @returns hangs up on those who have said nothing yet: Node.js does not count them among the idle, and would wait for them at the end. */
export function silentOnes(server: Server): () => void {
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  return () => {
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
  };
}
