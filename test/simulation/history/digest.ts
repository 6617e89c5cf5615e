// A number for a JSON value, the same for equal values whatever the order of keys, kept for each object: states share
// most of their structure, so that comparing a hundred of them costs about as much as what changed between them.
import type { Json } from "@tidemark/protocol";

const known = new WeakMap<object, number>();

/** Texts of so many characters are looked at once. */
const LONG = 1_000;
const LONG_MAX = 200;
const longTexts = new Map<string, number>();

/** An integer in [0, 2^53): equal values have equal ones. */
export function digest(value: Json): number {
  if (typeof value !== "object" || value === null) return ofText(JSON.stringify(value));
  const kept = known.get(value);
  if (kept !== undefined) return kept;
  const made = isList(value) ? ofList(value) : ofObject(value);
  known.set(value, made);
  return made;
}

function ofList(items: readonly Json[]): number {
  let mixed = items.length + 1;
  for (const item of items) mixed = mix(mixed, digest(item));
  return mixed;
}

function ofObject(value: { readonly [key: string]: Json }): number {
  let sum = 17;
  // Below 2^52 at each step, so that the sum is exact and does not depend on the order.
  for (const key of Object.keys(value))
    sum = (sum + (mix(ofText(key), digest(value[key] ?? null)) % 2 ** 51)) % 2 ** 51;
  return sum;
}

function ofText(text: string): number {
  if (text.length < LONG) return ofUnits(text);
  const kept = longTexts.get(text) ?? ofUnits(text);
  if (longTexts.size > LONG_MAX) longTexts.clear();
  longTexts.set(text, kept);
  return kept;
}

function ofUnits(text: string): number {
  let high = text.length;
  let low = 0x85_eb_ca_6b;
  for (let index = 0; index < text.length; index++) {
    high = Math.imul(high ^ text.charCodeAt(index), 0xcc_9e_2d_51);
    high = (high << 13) | (high >>> 19);
    low = Math.imul(low ^ text.charCodeAt(index), 0x1b_87_35_93);
    low = (low << 15) | (low >>> 17);
  }
  return joined(high, low);
}

function mix(one: number, other: number): number {
  const low = Math.imul((one | 0) ^ 0x9e_37_79_b9, 0x85_eb_ca_6b) ^ Math.imul(other | 0, 0xcc_9e_2d_51);
  const high = Math.imul(Math.floor(one / 2 ** 32) ^ low, 0x1b_87_35_93) ^ Math.floor(other / 2 ** 32);
  return joined(high ^ (low >>> 15), low ^ (high << 7));
}

const joined = (high: number, low: number): number => ((high >>> 0) & 0x1f_ff_ff) * 2 ** 32 + (low >>> 0);

const isList = (value: object): value is readonly Json[] => Array.isArray(value);
