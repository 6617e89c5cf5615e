// What a scenario is: two sides that do the same work, and the goal for their ratio. The rules of measuring
// (interleaving, medians) are in measure.ts; a scenario only says what is run and which figure counts.
import type { LoadResult } from "./load.js";

/** One side's figures of one run. */
export interface Figures {
  /** What the goal is about, in the scenario's unit. */
  readonly value: number;
  /** The same per second of server CPU, all threads; undefined where it means nothing. */
  readonly perCpuSecond?: number;
  /** How busy the load's own core was, 0 to 1. */
  readonly loadCpu?: number;
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

/** One of the two things that are compared. Starts what it needs afresh, and leaves nothing behind. */
export interface Side {
  readonly name: string;
  measure(length: RunLength): Promise<Figures>;
}

/** `subject` over `peer` must reach, or stay below, the goal. */
export interface Scenario {
  /** The goal's id in the list of performance goals. */
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  readonly subject: Side;
  readonly peer: Side;
  readonly goal: { readonly atLeast: number } | { readonly atMost: number };
}

/** Server CPU seconds within a load's window. */
export function serverCpuSeconds(result: LoadResult): number {
  return result.serverUserSeconds + result.serverSystemSeconds;
}

/** The figures of a load whose goal is a rate. */
export function rateFigures(result: LoadResult, counted: "acks" | "deliveries"): Figures {
  const { failures: _failures, loadCpu, ...details } = result;
  return {
    value: result[counted] / result.seconds,
    perCpuSecond: result[counted] / serverCpuSeconds(result),
    loadCpu,
    details: { ...details, serverCores: serverCpuSeconds(result) / result.seconds },
  };
}
