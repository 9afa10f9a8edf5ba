/** @file What a server is told: where it listens, whom it lets in, what it computes with, and how much of anything it takes. */
import type { LoadOptions } from "../node/load.ts";
import type { Served } from "../node/serve-files.ts";
import type { ModelSource } from "./work.ts";

/** What holds unless told. */
export const usual = { maxSide: 1e6, canvas: 4e6, maxRender: 200e6 } as const;

export interface Limits {
  /** Bytes of an uploaded file. */
  readonly maxBytes: number;
  /** Width x height of a picture. */
  readonly maxPixels: number;
  /** Pixels of a picture's longer side; {@link usual} unless told, as the next two. */
  readonly maxSide?: number;
  /** Pixels that pictures are shrunk to where they have more: maps are laid over them and drawn on them, places told in the original's. */
  readonly canvas?: number;
  /** Pixels that one answer passes: of every map, and of every picture drawn of it. */
  readonly maxRender?: number;
  /** Requests in progress at once: arriving, waiting and running. The next is told to come back later. */
  readonly queue: number;
  /** Seconds that a request may take, its upload included. */
  readonly timeout: number;
}

export interface ServeOptions extends Limits {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** None: whoever is on this machine may ask. */
  readonly tokens: readonly string[];
  /** Origins whose pages may ask; none unless told. */
  readonly cors: readonly string[];
  /** The default first. */
  readonly models: readonly ModelSource[];
  readonly loading: LoadOptions;
  /** Worker threads, each with models of its own. */
  readonly workers: number;
  /** Requests that share one run at most. */
  readonly batch: number;
  readonly logLevel: string;
  /** The studio's files by their path behind `/studio/`; without them `/` leads to the documentation. */
  readonly pages?: Served;
}
