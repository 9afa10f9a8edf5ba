/**
 * @file The graphics device of sessions on WebGPU. A browser may take it away at any time (another driver, too little memory, a crash);
 * ONNX Runtime Web keeps the lost one and fails with it from then on, in words of its own. Here a loss is told by its name, and the next
 * session gets another device.
 */
import { UserError } from "../errors.ts";
import { hasStopped } from "./aborts.ts";
import type { Runtime, Session, SessionOptions } from "./ort.ts";

/** As far as it is looked at here; `lib.dom` does not have it yet. */
export interface Device {
  readonly lost: Promise<{ readonly reason?: string; readonly message: string }>;
  readonly features: ReadonlySet<string>;
  readonly adapterInfo?: Description;
}

interface Description {
  readonly vendor?: string;
  readonly architecture?: string;
  readonly description?: string;
}

interface Adapter {
  readonly features: ReadonlySet<string>;
  readonly limits: Readonly<Record<string, number>>;
  requestDevice(wanted: object): Promise<Device>;
}

type Provider = Exclude<NonNullable<SessionOptions["executionProviders"]>[number], string> & { device?: Device };
type Create = (options: SessionOptions) => Promise<Session>;

/** In the place of the runtime's own, which was lost. By what makes its sessions: the namespace around it may be a new one each time. */
const others = new WeakMap<object, Device>();
const deviceOf = new WeakMap<Session, Device>();
const holders = new WeakMap<Device, number>();
const turns = new WeakMap<object, Promise<unknown>>();

/** Makes a session on a device that is there. They are made one at a time: ONNX Runtime Web refuses a second one meanwhile. */
export function onDevice(ort: Runtime, options: SessionOptions, create: Create): Promise<Session> {
  const key = ort.InferenceSession;
  const made = (turns.get(key) ?? Promise.resolve()).then(async () => {
    const session = await create(await onLivingDevice(ort, options));
    const device = given(options) ?? current(ort) ?? webOf(ort)?.device;
    if (device) hold(ort, session, device);
    return session;
  });
  turns.set(
    key,
    made.catch(() => undefined),
  );
  return made;
}

/** The adapter that the next session would have, and the features of the device where there is one already. */
export async function features(ort: Runtime, options: SessionOptions): Promise<ReadonlySet<string> | undefined> {
  const device = given(options) ?? current(ort);
  return device?.features ?? (await adapter())?.features;
}

/** Where the device of a session, or of the next one, is lost: the error that says so. */
export async function lostDevice(ort: Runtime, session: Session | undefined, cause: unknown) {
  const device = (session && deviceOf.get(session)) ?? current(ort);
  const loss = device && (await lossOf(device, 200));
  if (!loss) return undefined;
  const { vendor, architecture, description } = device.adapterInfo ?? {};
  const name = [vendor, architecture, description].filter(Boolean).join(" ") || "of WebGPU";
  const why = loss.message || loss.reason || "the browser does not say why";
  const message = `lost device: the graphics device ${name} is gone (${why}); open the model again: it gets another device`;
  return new UserError("device-lost", message, { cause });
}

const webOf = (ort: Runtime) => (ort as { env?: { webgpu?: { device?: Device } } }).env?.webgpu;

function current(ort: Runtime): Device | undefined {
  const device = others.get(ort.InferenceSession) ?? webOf(ort)?.device;
  return device && holders.has(device) ? device : undefined;
}

/** The runtime destroys a device with the last session that has it, and makes another for the next one: that is no loss. */
function hold(ort: Runtime, session: Session, device: Device): void {
  deviceOf.set(session, device);
  holders.set(device, (holders.get(device) ?? 0) + 1);
  const release = session.release.bind(session);
  session.release = async () => {
    const left = (holders.get(device) ?? 1) - 1;
    if (left) holders.set(device, left);
    else holders.delete(device);
    if (!hasStopped(ort)) await release();
  };
}

const isWebGpu = (provider: string | { readonly name: string }): boolean =>
  (typeof provider === "string" ? provider : provider.name) === "webgpu";

/** The device that a caller brings. */
const given = ({ executionProviders = [] }: SessionOptions): Device | undefined =>
  (executionProviders.find(isWebGpu) as Provider | undefined)?.device;

/** The loss is known a moment after the failure that comes of it. */
const lossOf = (device: Device, patience: number): Promise<Awaited<Device["lost"]> | undefined> =>
  Promise.race([device.lost, new Promise<undefined>((resolve) => setTimeout(resolve, patience))]);

async function onLivingDevice(ort: Runtime, options: SessionOptions): Promise<SessionOptions> {
  const device = current(ort);
  if (given(options) || !device) return options;
  const loss = await lossOf(device, 0);
  if (loss) others.set(ort.InferenceSession, await another(ort, loss.message));
  const other = others.get(ort.InferenceSession); // held from here on, or else it were not given
  const executionProviders = options.executionProviders?.map((one) =>
    other && isWebGpu(one) ? { ...(typeof one === "string" ? { name: one } : one), device: other } : one,
  ) as SessionOptions["executionProviders"];
  return { ...options, executionProviders };
}

/** @throws UserError `device-lost` where there is none, or the runtime would not take it. */
async function another(ort: Runtime, why: string): Promise<Device> {
  const found = await adapter();
  // The build with kernels in JavaScript has one device for its life, and lets nobody write another over it.
  const fixed = Object.getOwnPropertyDescriptor(webOf(ort) ?? {}, "device")?.writable === false;
  if (found && !fixed) return found.requestDevice(wanted(found));
  const rest = fixed
    ? "this build of ONNX Runtime Web accepts no other; onnxruntime-web/webgpu does"
    : "the browser offers no other now";
  throw new UserError(
    "device-lost",
    `lost device: the graphics device is gone (${why}); ${rest}; reload the page, or set executionProviders: ["wasm"]`,
  );
}

/** Its limits are accessors, which the prototype has. */
function limitNames(limits: Adapter["limits"]): string[] {
  const names = [];
  for (const name in limits) if (name.startsWith("max")) names.push(name);
  return names;
}

/** As ONNX Runtime asks for its own device: what makes it faster, and all that the adapter allows. */
const wanted = ({ features, limits }: Adapter) => ({
  requiredFeatures: ["shader-f16", "subgroups"].filter((name) => features.has(name)),
  requiredLimits: Object.fromEntries(limitNames(limits).map((name) => [name, limits[name]])),
});

async function adapter(): Promise<Adapter | undefined> {
  const { gpu } = (globalThis.navigator ?? {}) as { gpu?: { requestAdapter(): Promise<Adapter | null> } };
  return (await gpu?.requestAdapter().catch(() => undefined)) ?? undefined;
}
