/** @file The numbers that a head gives for every place of its levels, and those places whose score is high enough. */
import type { Size } from "../../image/geometry.ts";
import type { Box } from "../../image/locate.ts";
import { product, range } from "../../onnx/dims.ts";
import type { Element } from "../../read/element.ts";
import { sigmoid } from "../classify/probability.ts";
import {
  type Candidate,
  centredEdges,
  type Decoded,
  fromCentre,
  type LevelPlaces,
  type OutputNumbers,
  Sieve,
} from "./head.ts";

/** The strides of a head's levels, and how many boxes a place has. */
export interface PlaceLevels {
  readonly strides: readonly number[];
  readonly anchors: number;
}

/** Where the places of each level begin. */
export function startsOf({ strides, anchors }: PlaceLevels, { width, height }: Size): LevelPlaces[] {
  let from = 0;
  return strides.map((stride) => {
    const [rows, columns] = [Math.ceil(height / stride), Math.ceil(width / stride)];
    const level = { stride, from, rows, columns };
    from += product([rows, columns, anchors]);
    return level;
  });
}

/** How the numbers of a place are read. */
export interface PlaceReading {
  readonly axis: number;
  readonly first: number;
  readonly classes: number;
  readonly objectness: boolean;
  readonly logits: boolean;
  readonly raw: boolean;
  readonly levels: PlaceLevels;
  readonly extra: number;
  readonly element: (place: number, number: number) => Element;
}

/** The places whose score is above a threshold. */
export function placesAbove(numbers: OutputNumbers, input: Size, threshold: number, reading: PlaceReading): Decoded {
  const { objectness, logits } = reading;
  const probability = logits ? sigmoid : (x: number) => x;
  const places = new PlaceNumbers(numbers, reading, startsOf(reading.levels, input), probability);
  const sieve = new Sieve(threshold);
  const { best, most } = places.bestClasses();
  for (const [place, highest] of most.entries()) {
    const score = probability(highest) * (objectness ? probability(places.value(place, 4)) : 1);
    if (sieve.passes(score)) sieve.candidates.push(new PlaceCandidate(places, place, best[place] as number, score));
  }
  return sieve;
}

/** The numbers of all places. */
class PlaceNumbers {
  readonly #count: number;
  readonly #perPlace: number;
  readonly #perNumber: number;

  constructor(
    private readonly output: OutputNumbers,
    readonly reading: PlaceReading,
    private readonly starts: readonly LevelPlaces[],
    readonly probability: (value: number) => number,
  ) {
    const { dims } = output;
    const { axis } = reading;
    const [places = 0, numbers = 0] = [dims[axis], dims[3 - axis]];
    this.#count = places;
    [this.#perPlace, this.#perNumber] = axis === 1 ? [numbers, 1] : [1, places];
  }

  value(place: number, number: number): number {
    return this.output.data[place * this.#perPlace + number * this.#perNumber] as number;
  }

  /** The class of each place whose score is the highest, and that score, read in the order in which they lie. */
  bestClasses(): { readonly best: Int32Array; readonly most: Float64Array } {
    const { axis, first, classes } = this.reading;
    const { data } = this.output;
    const [places, perPlace, perNumber] = [this.#count, this.#perPlace, this.#perNumber];
    const best = new Int32Array(places);
    const most = new Float64Array(places).fill(Number.NEGATIVE_INFINITY);
    const byPlace = axis === 1;
    const [outer, inner] = byPlace ? [places, classes] : [classes, places];
    // There are as many scores as a large picture has bytes: read in place, without a call for each.
    for (let i = 0; i < outer; i++)
      for (let j = 0; j < inner; j++) {
        const place = byPlace ? i : j;
        const c = byPlace ? j : i;
        const score = data[place * perPlace + (first + c) * perNumber] as number;
        if (score > (most[place] as number)) {
          best[place] = c;
          most[place] = score;
        }
      }
    return { best, most };
  }

  box(place: number): Box {
    const [x, y, w, h] = [this.value(place, 0), this.value(place, 1), this.value(place, 2), this.value(place, 3)];
    return this.reading.raw ? unrolled([x, y, w, h], place, this.starts) : fromCentre(x, y, w, h);
  }
}

/** A place whose score is high enough. What else is known of it is made when it is read: of thousands of places few boxes stay. */
class PlaceCandidate implements Candidate {
  readonly class: number;
  readonly box: Box;

  constructor(
    private readonly places: PlaceNumbers,
    private readonly place: number,
    best: number,
    readonly score: number,
  ) {
    this.class = best;
    this.box = places.box(place);
  }

  get at(): Element {
    return this.#element(this.places.reading.first + this.class);
  }

  get edge(): Candidate["edge"] {
    return centredEdges(this.#element(0), this.#element(1), this.#element(2), this.#element(3));
  }

  get objectness(): Element | undefined {
    return this.places.reading.objectness ? this.#element(4) : undefined;
  }

  get presence(): number | undefined {
    const { reading, probability } = this.places;
    return reading.objectness ? probability(this.places.value(this.place, 4)) : undefined;
  }

  get coefficients(): readonly Element[] | undefined {
    const { first, classes, extra } = this.places.reading;
    return extra ? range(extra).map((i) => this.#element(first + classes + i)) : undefined;
  }

  classes(): readonly number[] {
    const { reading, probability } = this.places;
    return range(reading.classes).map((c) => probability(this.places.value(this.place, reading.first + c)));
  }

  #element(number: number): Element {
    return this.places.reading.element(this.place, number);
  }
}

/** A box in cells of its level, its size a logarithm, in pixels. */
function unrolled(
  [x, y, w, h]: readonly [number, number, number, number],
  place: number,
  starts: readonly LevelPlaces[],
): Box {
  const { stride, from, columns } = starts.findLast((level) => level.from <= place) ??
    starts[0] ?? { stride: 1, from: 0, columns: 1 };
  const cell = place - from;
  const [column, row] = [cell % columns, Math.floor(cell / columns)];
  return fromCentre((x + column) * stride, (y + row) * stride, Math.exp(w) * stride, Math.exp(h) * stride);
}
