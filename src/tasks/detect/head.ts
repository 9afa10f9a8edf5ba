/** @file What every head of a detector is read as: candidates with a box, a class, a score, and the elements that these were made of. */

import type { Size } from "../../image/geometry.ts";
import type { Box } from "../../image/locate.ts";
import type { Element } from "../../read/element.ts";
import type { Probability } from "../classify/probability.ts";

export const edges = ["left", "top", "right", "bottom"] as const;
export type Edge = (typeof edges)[number];

/** A sum of elements. */
export type ElementSum = readonly (readonly [element: Element, weight: number])[];

/** What may be a detection. */
export interface Candidate {
  readonly class: number;
  /** A probability. */
  readonly score: number;
  /** In pixels of the network's input. */
  readonly box: Box;
  /** The element that the score is read from. */
  readonly at: Element;
  /** What each edge is the sum of. */
  readonly edge: Readonly<Record<Edge, ElementSum>>;
  /** Where the head has it: whether anything is there, whatever its class. */
  readonly objectness?: Element;
  /** The probabilities of all classes, where the head gives them; asked for when two boxes are compared. */
  classes?(): readonly number[];
  /** The probability that anything is there, whatever its class, where the head has it. */
  readonly presence?: number;
  /** Coefficients of the mask's prototypes. */
  readonly coefficients?: readonly Element[];
}

/** What a run gave: numbers with a shape. */
export interface OutputNumbers {
  readonly data: ArrayLike<number>;
  readonly dims: readonly number[];
}

export interface Decoded {
  /** Those whose score is above the threshold, in any order. */
  readonly candidates: readonly Candidate[];
  /** The best score of all, whatever the threshold; undefined where there is none. */
  readonly best: number | undefined;
}

/** A box for each place, in pixels or in cells; rows that the head chose itself; lists; scores and boxes of queries. */
export type HeadKind = "dense" | "cells" | "rows" | "list" | "pair";

/** A box for each place of a head's levels, [n, numbers, places] or [n, places, numbers]. */
export interface PlacesLayout {
  readonly of: "places";
  /** The axis of the places, 1 or 2. */
  readonly axis: number;
  /** The first number that is a class's score, and how many there are. */
  readonly first: number;
  readonly classes: number;
  readonly objectness: boolean;
  /** Whether scores are before their sigmoid. */
  readonly logits: boolean;
  /** Where boxes are in cells and logarithms: the levels of the places. */
  readonly cells?: readonly LevelPlaces[];
}

export interface LevelPlaces {
  readonly stride: number;
  /** The first of its places. */
  readonly from: number;
  readonly rows: number;
  readonly columns: number;
}

/** A row for each box. */
export interface RowsLayout {
  readonly of: "rows";
  /** Whether rows of all pictures are in one list, [rows, numbers], each with its picture's number in front. */
  readonly flat: boolean;
  /** Where a row has its corners, its score and its class. */
  readonly corner: number;
  readonly score: number;
  readonly label: number;
}

/** Scores of queries, [n, queries, classes], and a box of each, [n, queries, 4 or more]. */
export interface PairLayout {
  readonly of: "pair";
  readonly boxes: string;
  /** The first number that is a score, and how many there are, the one for nothing among them. */
  readonly first: number;
  readonly depth: number;
  readonly by: "softmax" | "sigmoid" | "as-is";
  readonly nothing?: "first" | "last";
  readonly centred: boolean;
  /** Whether a query may be several classes. */
  readonly several: boolean;
  /** Whether boxes are parts of the picture. */
  readonly relative: boolean;
}

/** A list of boxes, scores and classes, each an output. */
export interface ListLayout {
  readonly of: "list";
  readonly boxes: string;
  readonly labels: string;
}

/** How an output's numbers lie, for who reads them by operators of the graph. */
export type HeadLayout = PlacesLayout | RowsLayout | PairLayout | ListLayout;

export interface Head {
  readonly kind: HeadKind;
  /** In words: "boxes and scores of every place, [n, 4 + classes, places]". */
  readonly format: string;
  /** The tensors that it is read from. */
  readonly reads: readonly string[];
  /** The one that holds the scores of classes. */
  readonly scores: string;
  /** An element of the scores, one of a box and one of the objectness, by which the layers are found. */
  readonly examples: readonly { readonly score: Element; readonly box: Element }[];
  /** How many classes it tells apart; -1 where only a run knows. */
  readonly classes: number;
  /** How the scores become probabilities. */
  readonly probability: Probability;
  /** Whether boxes of one object are still to be thinned out. */
  readonly overlapping: boolean;
  /** What the masks of its boxes are sums of, [n, prototypes, height, width]; candidates have their coefficients then. */
  readonly prototypes?: string;
  /** Of a head that a compiled file can read. */
  readonly layout?: HeadLayout;
  /** Why a compiled file cannot read it. */
  readonly uncompiled?: string;
  decode(numbers: (name: string) => OutputNumbers, input: Size, threshold: number): Decoded;
}

/** What was assumed of a head that nothing says, and what would say it. */
export interface HeadGuess {
  readonly because: string;
  readonly option?: string;
}

export interface ReadHead {
  readonly head: Head;
  readonly guess?: HeadGuess;
}

/** A box from its centre and size. */
export const fromCentre = (x: number, y: number, width: number, height: number): Box => [
  x - width / 2,
  y - height / 2,
  x + width / 2,
  y + height / 2,
];

/** The elements of edges, where four elements are a centre and a size. */
export function centredEdges(x: Element, y: Element, width: Element, height: Element): Candidate["edge"] {
  return {
    left: [
      [x, 1],
      [width, -0.5],
    ],
    top: [
      [y, 1],
      [height, -0.5],
    ],
    right: [
      [x, 1],
      [width, 0.5],
    ],
    bottom: [
      [y, 1],
      [height, 0.5],
    ],
  };
}

/** The elements of edges, where four elements are the corners. */
export const corneredEdges = (left: Element, top: Element, right: Element, bottom: Element): Candidate["edge"] => ({
  left: [[left, 1]],
  top: [[top, 1]],
  right: [[right, 1]],
  bottom: [[bottom, 1]],
});

/** Whether boxes are parts of the picture, 0 to 1, a little over the edge perhaps, rather than pixels. */
export function areParts({ data }: OutputNumbers, rows: number, step = 4): boolean {
  for (let row = 0; row < rows; row++)
    for (let i = 0; i < 4; i++) if (Math.abs(data[row * step + i] as number) > 2) return false;
  return true;
}

/** Keeps what is above a threshold, and remembers the best. */
export class Sieve {
  readonly candidates: Candidate[] = [];
  best: number | undefined;
  constructor(private readonly threshold: number) {}
  /** Whether a score is wanted; NaN is not. */
  passes(score: number): boolean {
    if (!Number.isNaN(score) && !(score <= (this.best ?? Number.NEGATIVE_INFINITY))) this.best = score;
    return score > this.threshold;
  }
}
