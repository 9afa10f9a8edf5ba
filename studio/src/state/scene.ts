/** @file The scene that is edited, and what a hand can do to it. Objects stay within the picture, and as many as the models have learnt. */
import { computed, signal } from "@preact/signals";
import {
  colours,
  makeScene,
  phrase,
  questions,
  radii,
  type Scene,
  type SceneObject,
  shapes,
  side,
  sizes,
  textures,
  tilts,
  withOneMore,
} from "gradcam/scenes";

/** Objects of a scene. */
export const fewest = 2;
export const most = 4;

/** Three objects that are easy to speak of. */
const firstSeed = 710;

export const scene = signal<Scene>(makeScene(firstSeed));
/** The object in hand. */
export const selected = signal<number | undefined>(undefined);
/** Whether it is dragged. */
export const dragged = signal(false);

/** Changes with what the objects are, not with where they lie: suggestions must not run away from a hand that drags. */
const kinds = computed(() =>
  JSON.stringify([
    scene.value.seed,
    scene.value.objects.map(({ shape, colour, size, texture }) => [shape, colour, size, texture]),
  ]),
);
export const suggestions = computed<readonly string[]>(() => {
  kinds.value;
  const asked = questions(scene.peek(), 2).map(({ text }) => `${text}?`);
  return [...new Set(asked)].slice(0, 7);
});
const written = signal<string | undefined>(undefined);
/** The question that is asked: the first suggestion until another one is chosen. */
export const question = computed(() => written.value ?? suggestions.value[0]);
export const write = (text: string | undefined): void => {
  written.value = text;
};
export const isWritten = computed(() => written.value !== undefined);

const within = (v: number, radius: number) => Math.round(Math.min(side - radius, Math.max(radius, v)));

/** Changes an object; a new size brings its radius, and all keeps within the picture. */
export function change(index: number, to: Partial<SceneObject>): void {
  const { seed, objects } = scene.value;
  const before = objects[index];
  const resized = to.size !== undefined && to.size !== before.size;
  const radius = resized ? Math.round((radii[to.size][0] + radii[to.size][1]) / 2) : before.radius;
  const whole = { ...before, radius, ...to };
  const after = { ...whole, x: within(whole.x, whole.radius), y: within(whole.y, whole.radius) };
  scene.value = { seed, objects: objects.map((object, i) => (i === index ? after : object)) };
}

export function remove(index: number): void {
  const { seed, objects } = scene.value;
  if (objects.length <= fewest) return;
  scene.value = { seed, objects: objects.filter((_, i) => i !== index) };
  selected.value = undefined;
}

export function add(): void {
  const more = scene.value.objects.length < most && withOneMore(scene.value);
  if (!more) return;
  scene.value = more;
  selected.value = more.objects.length - 1;
}

export function next(): void {
  scene.value = makeScene(scene.value.seed + 1);
  selected.value = undefined;
}

/** "small striped red circle" */
export function nameOf({ size, texture, colour, shape }: SceneObject): string {
  return phrase({ size, colour, shape, ...(texture !== "plain" && { texture }) });
}

/** A scene in an address: its seed alone while nobody has changed it, or seed and objects. */
export function sceneText({ seed, objects }: Scene): string {
  if (JSON.stringify(makeScene(seed).objects) === JSON.stringify(objects)) return String(seed);
  const words = objects.map((o) => [o.shape, o.colour, o.size, o.texture, o.x, o.y, o.radius, o.tilt].join("."));
  return [seed, ...words].join("_");
}

/** Undefined for what is no scene. */
export function sceneOf(text: string): Scene | undefined {
  const [seed, ...words] = text.split("_");
  if (!/^\d{1,9}$/.test(seed)) return undefined;
  if (words.length === 0) return makeScene(Number(seed));
  const objects = words.map(objectOf).filter((object) => object !== undefined);
  const whole = objects.length === words.length && objects.length >= fewest && objects.length <= most;
  return whole ? { seed: Number(seed), objects } : undefined;
}

function objectOf(text: string): SceneObject | undefined {
  const [shape, colour, size, texture, ...numbers] = text.split(".");
  const one = <T extends string>(list: readonly T[], word: string) => list.find((name) => name === word);
  const kind = {
    shape: one(shapes, shape),
    colour: one(colours, colour),
    size: one(sizes, size),
    texture: one(textures, texture),
  };
  const [x, y, radius, tilt] = numbers.map((number) => (/^\d{1,4}$/.test(number) ? Number(number) : side));
  const fits = kind.size && radius >= radii[kind.size][0] && radius <= radii[kind.size][1] && tilt < tilts;
  const inside = [x, y].every((v) => v >= radius && v <= side - radius);
  if (numbers.length !== 4 || !fits || !inside || Object.values(kind).includes(undefined)) return undefined;
  return { ...kind, x, y, radius, tilt } as SceneObject;
}
