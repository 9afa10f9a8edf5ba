/** @file Who asks, as far as a study knows: the secret in a browser's cookie, and forms that come from the study's own pages. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Participant } from "./store.ts";

/** Fields of a form; none is anything but text, whatever was sent. */
export type Form = Readonly<Record<string, string>>;

export function formOf(body: unknown): Form {
  const fields = typeof body === "object" && body !== null ? Object.entries(body) : [];
  return Object.fromEntries(fields.filter((field): field is [string, string] => typeof field[1] === "string"));
}

/** Cookies do not know ports: two studies on one machine must not take each other's, so each has a name of its own. */
export class Browsers {
  readonly #cookie: string;

  constructor(study: string) {
    this.#cookie = `study-${digest(study).toString("hex").slice(0, 12)}`;
  }

  secretOf({ headers: { cookie: all = "" } }: FastifyRequest): string | undefined {
    return all
      .split(/;\s*/)
      .find((one) => one.startsWith(`${this.#cookie}=`))
      ?.slice(this.#cookie.length + 1);
  }

  keep(request: FastifyRequest, reply: FastifyReply, secret: string, days: number): void {
    const secure = request.headers["x-forwarded-proto"] === "https" ? "; Secure" : "";
    const life = `Max-Age=${days * 86400}`;
    reply.header("set-cookie", `${this.#cookie}=${secret}; Path=/; ${life}; HttpOnly; SameSite=Lax${secure}`);
  }

  /** What forms carry. It is another one when somebody has been given other questions. */
  tokenOf(request: FastifyRequest, { started }: Participant): string {
    return digest(`form ${this.secretOf(request)} ${started}`).toString("hex");
  }

  bears(request: FastifyRequest, participant: Participant, token = ""): boolean {
    return timingSafeEqual(digest(token), digest(this.tokenOf(request, participant)));
  }
}

/** Whether a form was sent from our own page: the browser says so, and where an old one does not, the page's origin is our host. */
export function fromHere({ headers: { "sec-fetch-site": site, origin, host } }: FastifyRequest): boolean {
  if (site !== undefined) return site === "same-origin";
  return origin === undefined || (URL.canParse(origin) && new URL(origin).host === host);
}

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
