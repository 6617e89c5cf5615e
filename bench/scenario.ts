// What is measured: a comparison of two sides that do the same work, with the goal for their ratio, or a curve over a
// range. The rules of measuring (interleaving, medians) are in measure.ts; a scenario only says what is run and which
// figure counts.
import type { MeasuredLoad } from "./load.js";
import type { ServerMemory } from "./memory.js";

/** One side's figures of one run. */
export interface Figures {
  /** What the goal is about, in the scenario's unit. */
  readonly value: number;
  /** The same per second of server CPU, all threads; undefined where it means nothing. */
  readonly perCpuSecond?: number;
  /** How long the window was, and what the server used of its CPU within it, all threads. */
  readonly wallSeconds?: number;
  readonly cpuSeconds?: number;
  /** How busy the load's own core was, 0 to 1. */
  readonly loadCpu?: number;
  /** What the server held. */
  readonly memory?: ServerMemory;
  /** Further figures, for the progress line and the JSON file. */
  readonly details: { readonly [name: string]: number };
  /** What else is worth a line. */
  readonly note?: string;
}

/** How long each run takes. */
export interface RunLength {
  readonly seconds: number;
  readonly warmUpSeconds: number;
}

/** One of the things that are compared. Starts what it needs afresh, and leaves nothing behind. */
export interface Side {
  readonly name: string;
  measure(length: RunLength): Promise<Figures>;
}

/** The ratio must reach it, or stay below. */
export type Goal = { readonly atLeast: number } | { readonly atMost: number };

/** `subject` over `peer` must reach, or stay below, the goal; without one it is looked at. */
export interface Scenario {
  /** The goal's id in the list of performance goals; a part of one has a word behind it, as in `P14-large`. */
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  readonly subject: Side;
  readonly peer: Side;
  readonly goal?: Goal;
  /** Names what several peers are put to, so that they are shown side by side. */
  readonly work?: string;
  /** How long a pair takes, about, where it is not two windows and their warm-up. */
  readonly aboutSeconds?: number;
}

/** One line of a curve: what is measured at each x. */
export interface Series {
  readonly name: string;
  /** Undefined where there is nothing to measure: a peer that cannot do so much. */
  measurePoint(x: number, length: RunLength): Promise<Figures | undefined>;
}

/** A figure over a range. It has no goal: it is looked at. */
export interface Curve {
  readonly id: string;
  readonly title: string;
  readonly x: { readonly label: string; readonly unit?: string; readonly scale: "log" | "linear" };
  readonly y: { readonly label: string; readonly unit: string; readonly scale: "log" | "linear" };
  readonly xs: readonly number[];
  readonly series: readonly Series[];
  /** How long all points of one round take, about, where it is not a window and its warm-up for each. */
  readonly aboutSeconds?: number;
}

/** Whatever `npm run bench` can be asked for. */
export type Measurable = Scenario | Curve;

export function isCurve(measurable: Measurable): measurable is Curve {
  return "xs" in measurable;
}

/** Server CPU seconds within a load's window. */
export function serverCpuSeconds(result: MeasuredLoad): number {
  return result.serverUserSeconds + result.serverSystemSeconds;
}

/** The figures of a load, whichever of them the goal is about. */
export function loadFigures(result: MeasuredLoad, value: number): Figures {
  const { failures: _failures, loadCpu, memory, ...details } = result;
  return {
    value,
    wallSeconds: result.seconds,
    cpuSeconds: serverCpuSeconds(result),
    loadCpu,
    ...(memory === undefined ? {} : { memory }),
    details: { ...details, serverCores: serverCpuSeconds(result) / result.seconds },
  };
}

/** The figures of a load whose goal is a rate. */
export function rateFigures(result: MeasuredLoad, counted: "acks" | "deliveries"): Figures {
  return {
    ...loadFigures(result, result[counted] / result.seconds),
    perCpuSecond: result[counted] / serverCpuSeconds(result),
  };
}
