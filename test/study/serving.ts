/** @file A served study, and a participant who speaks HTTP as a browser does. */
import { type ChildProcess, spawn } from "node:child_process";
import { request } from "node:http";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));

export const bin = path.join(root, "dist/cli/bin.js");

/** `gradcam study serve` on a free port. */
export const serveCommand = (file: string, ...args: string[]): Promise<{ url: string; child: ChildProcess }> =>
  servedBy(
    spawn(process.execPath, [bin, "study", "serve", file, "--port", "0", ...args], {
      env: { ...process.env, NO_COLOR: "1" },
    }),
  );

/** A study's server, when it has said its address. */
export async function servedBy(child: ChildProcess): Promise<{ url: string; child: ChildProcess }> {
  const url = await new Promise<string>((resolve, reject) => {
    let said = "";
    const hear = (part: Buffer) => {
      said += part;
      const found = /http:\S+/.exec(said);
      if (found) resolve(found[0]);
    };
    child.stdout?.on("data", hear);
    child.stderr?.on("data", hear);
    child.once("exit", () => reject(new Error(`gradcam study serve ended: ${said}`)));
  });
  return { url, child };
}

export interface Page {
  readonly status: number;
  readonly text: string;
  readonly location: string | null;
  readonly headers: Headers;
}

/** Holds a cookie, and follows nothing by itself. */
export class Client {
  cookie = "";
  /** @param from the address that it asks from */
  constructor(
    readonly url: string,
    readonly from?: string,
  ) {}

  async get(place: string, headers: Record<string, string> = {}): Promise<Page> {
    return this.#fetch(place, { headers });
  }

  async post(
    place: string,
    form: Record<string, string | number>,
    headers: Record<string, string> = {},
  ): Promise<Page> {
    const body = new URLSearchParams(
      Object.entries(form).map(([name, value]): [string, string] => [name, String(value)]),
    );
    return this.#fetch(place, { method: "POST", body, headers });
  }

  async begin(): Promise<Page> {
    return this.post("begin", { agree: "yes" });
  }

  /** The question at hand; undefined at the end. */
  async question(): Promise<Question | undefined> {
    const page = await this.get("next");
    return page.location === "done" ? undefined : questionOf(page.text);
  }

  answer({ token, position }: Question, answer: number): Promise<Page> {
    return this.post("answer", { token, position, answer });
  }

  /** Answers everything that is left; returns the code. */
  async finish(choose: (question: Question) => number = readsQuestions): Promise<string> {
    for (let question = await this.question(); question; question = await this.question())
      await this.answer(question, choose(question));
    const [, code] = /data-code>([^<]*)</.exec((await this.get("done")).text) ?? [];
    return code;
  }

  /** `fetch` has no address to ask from. */
  #fetch(
    place: string,
    init: { method?: string; body?: URLSearchParams; headers: Record<string, string> },
  ): Promise<Page> {
    const { method, body } = init;
    const headers = {
      ...(this.cookie && { cookie: this.cookie }),
      ...(body && { "content-type": "application/x-www-form-urlencoded" }),
      ...init.headers,
    };
    return new Promise((resolve, reject) => {
      const sent = request(new URL(place, this.url), { method, headers, localAddress: this.from }, (response) => {
        const got = new Headers();
        for (const [name, value] of Object.entries(response.headers)) got.set(name, String(value));
        for (const cookie of response.headers["set-cookie"] ?? []) this.cookie = cookie.split(";")[0];
        let text = "";
        response.setEncoding("utf8").on("data", (part) => {
          text += part;
        });
        response.on("error", reject);
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, text, location: got.get("location"), headers: got }),
        );
      });
      sent.on("error", reject).end(body?.toString());
    });
  }
}

export interface Question {
  readonly text: string;
  readonly token: string;
  readonly position: number;
  readonly answers: readonly { readonly answer: number; readonly label: string }[];
}

function questionOf(html: string): Question {
  const one = (pattern: RegExp) => pattern.exec(html)?.[1] ?? "";
  return {
    text: one(/<h1>([^<]*)</),
    token: one(/name="token" value="([^"]*)"/),
    position: Number(one(/name="position" value="(\d+)"/)),
    answers: [...html.matchAll(/name="answer" value="(\d)">([^<]*)</g)].map(([, answer, label]) => ({
      answer: Number(answer),
      label,
    })),
  };
}

/** Presses what checks ask for, and the first answer else. */
export function readsQuestions({ text, answers }: Question): number {
  const asked = /please press “([^”]*)”/.exec(text)?.[1];
  return (answers.find(({ label }) => label === asked) ?? answers[0]).answer;
}
