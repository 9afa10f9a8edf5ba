/** @file Opening a model in a browser: a directory or an ONNX file on a server, or files that a person has picked. */
import { UserError } from "../errors.ts";
import type { Notes } from "../explain/compiled.ts";
import type { Picture } from "../image/picture.ts";
import { withRoom } from "../onnx/append.ts";
import { externalLocation, isExternal } from "../onnx/proto.ts";
import { Classifier, type ClassifyOptions, type Why } from "../tasks/classification.ts";
import {
  type ModelOptions,
  modelAmong,
  openingOf,
  parseJson,
  parseLabels,
  readNamed,
  usualPlaces,
} from "../tasks/open.ts";
import { type DecodeOptions, decode, type PictureSource } from "./decode.ts";
import { type DownloadOptions, digest, download, parseSums } from "./download.ts";
import { loadRuntime, type WebRuntime } from "./runtime.ts";

export interface LoadOptions extends ModelOptions, DecodeOptions, DownloadOptions {
  /** Class names: a list, or a file with a name a line, a JSON list, or a config.json with `id2label`. */
  readonly labels?: readonly string[] | File;
  /** The ONNX Runtime to use; by default the one that `onnxruntime-web` resolves to. */
  readonly ort?: WebRuntime;
}

/**
 * A directory in Hugging Face layout (its address ends with a slash), an ONNX file's address or its bytes, or picked files: an ONNX
 * file and whatever lies beside it, under their `webkitRelativePath` or their names.
 */
export type ModelSource = string | URL | Uint8Array | Blob | readonly File[];

/** The classifier that comes with the package, where the package's own files are served. */
export const bundledModel = new URL(/* @vite-ignore */ "../../models/efficientnet-lite0/", import.meta.url).href;

/** A classifier opened in a browser: takes whatever a browser shows as a picture. */
export class LoadedClassifier {
  constructor(
    readonly classifier: Classifier,
    /** SHA-256 of the ONNX file, hexadecimal; undefined where the page is no secure context. */
    readonly sha256: string | undefined,
    readonly runtimeVersion: string,
    /** Whether the preprocessing was assumed, since the model says nothing of it. */
    readonly assumed: boolean,
    private readonly decoding: DecodeOptions,
    /** The ONNX file, as errors name it. */
    readonly file: string,
    /** What the file says of itself where it was compiled. */
    readonly notes: Notes | undefined,
  ) {}

  /** @throws UserError for what is no picture, an unknown class, method or layer, and scores that are not finite. */
  async explain(image: PictureSource | Picture, options: ClassifyOptions = {}): Promise<Why> {
    return this.classifier.explain(await asPicture(image, this.decoding), options);
  }

  release(): Promise<void> {
    return this.classifier.release();
  }
}

/** Pixels of 3 bytes are decoded already; an `ImageData` has 4. */
async function asPicture(image: PictureSource | Picture, options: DecodeOptions): Promise<Picture> {
  const decoded = "data" in image && image.data.length === image.width * image.height * 3;
  return decoded ? (image as Picture) : decode(image as PictureSource, options);
}

/**
 * Opens a classifier.
 * @throws UserError for missing or broken files, and for what is no image classifier.
 */
export async function load(source: ModelSource = bundledModel, options: LoadOptions = {}): Promise<LoadedClassifier> {
  const ort = options.ort ?? (await loadRuntime());
  const { directory, file, read } = await place(source, options);
  const bytes = await read(file);
  if (!bytes) throw new UserError("missing-file", `missing model: ${file}: there is no such file`);
  const model = readNamed(bytes, file);
  const beside = model.graph.initializer.find(isExternal);
  const externalData = [...new Set(model.graph.initializer.filter(isExternal).map(externalLocation))];
  const weights = await Promise.all(
    externalData.map(async (path = "") => {
      const data = await read(neighbour(file, path));
      if (!data)
        throw new UserError(
          "missing-file",
          `missing external data: ${file} keeps weights in "${path}", which is not beside it; give both files`,
        );
      return { path, data };
    }),
  );
  const parsed = async (name: string, what: string) => {
    const content = directory === undefined ? undefined : await read(name);
    return content && parseJson(content, name, what);
  };
  const opening = openingOf(
    {
      name: nameOf(directory || file),
      file,
      model,
      config: await parsed("config.json", "model configuration"),
      stated: await parsed("preprocessor_config.json", "preprocessor configuration"),
      labels: options.labels instanceof File ? await labelsIn(options.labels) : options.labels,
    },
    { ...options, session: { ...(beside && { externalData: weights }), ...options.session } },
  );
  const classifier = await Classifier.open(ort, opening.bytes, opening.options);
  const { common, web = common } = ort.env.versions;
  return new LoadedClassifier(classifier, await digest(bytes), web, opening.assumed, options, file, opening.notes);
}

/** Where a model's files are: how they are read by their names, which is the ONNX file, and the directory if it has one. */
interface Place {
  readonly directory?: string;
  readonly file: string;
  readonly read: (name: string) => Promise<Uint8Array | undefined>;
}

async function place(source: ModelSource, options: LoadOptions): Promise<Place> {
  if (source instanceof Uint8Array) return { file: "model.onnx", read: only("model.onnx", async () => source) };
  if (source instanceof Blob) {
    const file = source instanceof File ? source.name : "model.onnx";
    return { file, read: only(file, () => bytesOf(source)) };
  }
  const address = typeof source === "string" || source instanceof URL;
  return address ? online(new URL(source, globalThis.location?.href), options) : picked(source);
}

const only = (file: string, read: () => Promise<Uint8Array>) => async (name: string) =>
  name === file ? read() : undefined;

/** Files by their paths below the directory that they share. */
function picked(files: readonly File[]): Place {
  const paths = files.map((file) => (file.webkitRelativePath || file.name).split("/"));
  const directory = paths[0]?.length > 1 ? paths[0][0] : "";
  const byName = new Map(files.map((file, i) => [paths[i].slice(directory ? 1 : 0).join("/"), file]));
  const read = async (name: string) => {
    const found = byName.get(name);
    return found && bytesOf(found);
  };
  return { directory, file: modelAmong([...byName.keys()], directory || "the files"), read };
}

async function online(url: URL, options: LoadOptions): Promise<Place> {
  if (!url.pathname.endsWith("/"))
    return { file: url.href, read: (name) => download(new URL(name, url).href, undefined, options) };
  const quiet = { ...options, onProgress: undefined };
  const sums = await download(new URL("SHA256SUMS", url).href, undefined, quiet);
  const known = parseSums(new TextDecoder().decode(sums));
  const file = usualPlaces.find((name) => known.has(name)) ?? usualPlaces[0];
  const read = (name: string) => download(new URL(name, url).href, known.get(name), name === file ? options : quiet);
  return { directory: url.pathname.replace(/\/$/, ""), file, read };
}

const neighbour = (file: string, name: string): string =>
  file.includes("://") ? new URL(name, file).href : [...file.split("/").slice(0, -1), name].join("/");

/** The last part of a path, without the ending. */
const nameOf = (path: string): string =>
  (path.split("/").at(-1) ?? path).replace(/[?#].*$/, "").replace(/\.onnx$/, "") || "model";

const labelsIn = async (file: File): Promise<readonly string[]> => parseLabels(await bytesOf(file), file.name);

/** With room behind them, so that weights need not be copied for each session. */
async function bytesOf(file: Blob): Promise<Uint8Array> {
  const bytes = withRoom(file.size);
  bytes.set(new Uint8Array(await file.arrayBuffer()));
  return bytes;
}
