// Where the parts of a journal row lie. A row is a fixed part, here, and its texts. The fixed part is the same on its way
// to the writer thread, in memory and in the file; only what the writer alone knows (check, doc, textAt) comes later.
// Integers are u32, `seq` and what follows are f64, all little-endian.

/** Byte offsets inside the fixed part. */
export const RowField = {
  check: 0,
  doc: 4,
  /** The kind in the lowest byte, then which of the texts that may be absent are there. */
  kind: 8,
  /** Offset of the first text in the block: each row says it for itself, so that a damaged one misplaces no other. */
  textAt: 12,
  /** Where the texts end, counted from `textAt`, in the order they lie in. */
  clientEnd: 16,
  resultEnd: 20,
  subjectEnd: 24,
  operationsEnd: 28,
  eventsEnd: 32,
  seq: 36,
  epoch: 44,
  typeVersion: 52,
  at: 60,
  n: 68,
  low: 76,
  born: 84,
  hash: 92,
} as const;

/** Size of the fixed part. */
export const ROW_BYTES = 100;

/** In the word of the kind. Without a client a row answers no request. */
export const HAS_CLIENT = 0x1_00;
export const HAS_RESULT = 0x2_00;
export const HAS_EVENTS = 0x4_00;
