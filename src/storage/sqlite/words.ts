// Passes over bytes, four at a time: a call into native code for a row's hundred bytes costs more than they do.

/** One 32-bit step: a bijection of `lane` for each word and of the word for each lane. */
function step(lane: number, word: number): number {
  const product = Math.imul(lane ^ word, 0xcc_9e_2d_51);
  return (product << 13) | (product >>> 19);
}

/** A value that every byte of a range has gone through, on top of `lane`. A change inside one word always changes it;
 * any other change does but for one in 2^32. */
export function mixBytes(lane: number, view: DataView, from: number, to: number): number {
  let mixed = step(lane, to - from);
  let at = from;
  for (const last = to - 4; at <= last; at += 4) mixed = step(mixed, view.getInt32(at, true));
  for (; at < to; at++) mixed = step(mixed, view.getUint8(at));
  return mixed;
}

/** Starts a checksum with a safe integer. */
export const mixInteger = (value: number): number => step(step(0x9e_37_79_b9, value), Math.floor(value / 2 ** 32));

/** Ends a checksum: an unsigned 32-bit integer in which each bit depends on the whole. */
export function avalanche(lane: number): number {
  const first = Math.imul(lane ^ (lane >>> 16), 0x85_eb_ca_6b);
  const second = Math.imul(first ^ (first >>> 13), 0xc2_b2_ae_35);
  return (second ^ (second >>> 16)) >>> 0;
}

/** A place among bytes. */
export interface Place {
  readonly view: DataView;
  readonly at: number;
}

/** Whether two places hold the same `length` bytes. */
export function sameBytes(left: Place, right: Place, length: number): boolean {
  let offset = 0;
  for (const last = length - 4; offset <= last; offset += 4) {
    if (left.view.getInt32(left.at + offset) !== right.view.getInt32(right.at + offset)) return false;
  }
  for (; offset < length; offset++) {
    if (left.view.getUint8(left.at + offset) !== right.view.getUint8(right.at + offset)) return false;
  }
  return true;
}
