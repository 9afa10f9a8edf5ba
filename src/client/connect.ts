/** @file A client of `gradcam serve`, for browsers and Node: `fetch` is all that it needs. */
import type {
  Answer,
  AskAnswer,
  AskQuestion,
  CaptionAnswer,
  CaptionQuestion,
  Mapped,
  Models,
  Problem,
  Question,
} from "./contract.ts";

export interface ConnectOptions {
  /** The token that the server wants, where it wants one. */
  readonly token?: string;
  /** Another `fetch`, e.g. one with a proxy. */
  readonly fetch?: typeof fetch;
}

export interface CallOptions {
  /** Aborts the call; the server stops working on it. */
  readonly signal?: AbortSignal;
}

/** The server refused, and says why. */
export class ServerError extends Error {
  override readonly name = "ServerError";
  constructor(
    /** Of HTTP. */
    readonly status: number,
    /** For programs to branch on, e.g. "invalid-image", "overloaded". */
    readonly code: string,
    message: string,
    /** Seconds after which another try may succeed; of 429 and 503. */
    readonly retryAfter?: number,
  ) {
    super(message);
  }
}

/** A picture's file (JPEG, PNG, WebP, AVIF, TIFF, GIF), a recording's (.wav) or an array's (.npy). */
export type Upload = Blob | Uint8Array | ArrayBuffer;

/** A connection to a server. Every call rejects with {@link ServerError}, or with what `fetch` throws. */
export class Client {
  readonly #url: URL;
  readonly #options: ConnectOptions;

  /** @param url where the server is, e.g. "http://localhost:8080". */
  constructor(url: string | URL, options: ConnectOptions = {}) {
    this.#url = new URL(String(url).replace(/\/*$/, "/"));
    this.#options = options;
  }

  /** Predictions and maps. */
  async explain(picture: Upload, question: Omit<Question, "view"> = {}, options: CallOptions = {}): Promise<Answer> {
    return (await this.#ask("explain", picture, question, "application/json", options)).json() as Promise<Answer>;
  }

  /** The explanation as a PNG file. */
  async draw(picture: Upload, question: Omit<Question, "include"> = {}, options: CallOptions = {}): Promise<Blob> {
    return (await this.#ask("explain", picture, question, "image/png", options)).blob();
  }

  /** A sentence, and a map for each of its words. */
  async caption(picture: Upload, question: CaptionQuestion = {}, options: CallOptions = {}): Promise<CaptionAnswer> {
    const response = await this.#ask("caption", picture, question, "application/json", options);
    return response.json() as Promise<CaptionAnswer>;
  }

  /** Answers to a question, and where they came from. */
  async ask(picture: Upload, question: Omit<AskQuestion, "view">, options: CallOptions = {}): Promise<AskAnswer> {
    return (await this.#ask("ask", picture, question, "application/json", options)).json() as Promise<AskAnswer>;
  }

  /** What may be asked for. */
  async models(options: CallOptions = {}): Promise<Models> {
    return (
      await this.#call("v1/models", { headers: { accept: "application/json" }, ...options })
    ).json() as Promise<Models>;
  }

  /** Whether the server takes questions now. */
  async ready({ signal }: CallOptions = {}): Promise<boolean> {
    const response = await (this.#options.fetch ?? fetch)(new URL("readyz", this.#url), { signal });
    await response.body?.cancel();
    return response.ok;
  }

  #ask(task: string, picture: Upload, question: object, accept: string, { signal }: CallOptions): Promise<Response> {
    const body = new FormData();
    body.append("question", new Blob([JSON.stringify(question)], { type: "application/json" }));
    body.append("image", picture instanceof Blob ? picture : new Blob([picture as Uint8Array<ArrayBuffer>]), "image");
    return this.#call(`v1/${task}`, { method: "POST", body, headers: { accept }, signal });
  }

  async #call(
    path: string,
    { headers, ...init }: RequestInit & { headers: Record<string, string> },
  ): Promise<Response> {
    const { token } = this.#options;
    const authorization: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const response = await (this.#options.fetch ?? fetch)(new URL(path, this.#url), {
      ...init,
      headers: { ...headers, ...authorization },
    });
    if (response.ok) return response;
    throw await refusal(response);
  }
}

/** A connection to the server at `url`; nothing is sent yet. */
export const connect = (url: string | URL, options?: ConnectOptions): Client => new Client(url, options);

/** A map's numbers, row-major, of the shape that stands beside them. */
export function mapValues({ map }: Pick<Mapped, "map">): Float32Array {
  const bytes = Uint8Array.from(atob(map.data), (c) => c.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  return Float32Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true));
}

async function refusal(response: Response): Promise<ServerError> {
  const text = await response.text();
  const after = Number(response.headers.get("retry-after") ?? Number.NaN);
  const problem = problemIn(text);
  const { status } = response;
  return new ServerError(
    status,
    problem?.code ?? "http",
    problem?.detail ?? `the server answered ${status}`,
    Number.isFinite(after) ? after : undefined,
  );
}

function problemIn(text: string): Partial<Problem> | undefined {
  try {
    return JSON.parse(text) as Partial<Problem>;
  } catch {
    return undefined; // a proxy's page in front of the server
  }
}
