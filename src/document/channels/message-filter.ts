// Which messages of a channel somebody wants: by event, by fields of their data, or both. A filter narrows what is sent;
// it is no rule of access, since whoever may follow a channel may leave it out.
import { type Json, LIMITS } from "@tidemark/protocol";
import { z } from "zod";

const FIELDS_MAX = 8;
const EVENTS_MAX = 32;
const TEXT_LENGTH_MAX = 256;

const name = z.string().min(1).max(LIMITS.nameLengthMax);
const scalar = z.union([z.string().max(TEXT_LENGTH_MAX), z.number(), z.boolean(), z.null()]);

/** `{events?, where?}`, as it comes from outside. Neither may be empty: nothing would pass, or everything. */
export const filterFields = z.strictObject({
  events: z.array(name).min(1).max(EVENTS_MAX).optional(),
  where: z
    .record(name, scalar)
    .refine((fields) => Object.keys(fields).length > 0, "at least one field")
    .refine((fields) => Object.keys(fields).length <= FIELDS_MAX, `at most ${FIELDS_MAX} fields`)
    .optional(),
});

/** A message passes that has one of the events, and in its data each of the fields with that very value. */
export class MessageFilter {
  readonly #events: ReadonlySet<string> | undefined;
  readonly #fields: readonly (readonly [string, Json])[];

  constructor({ events, where }: z.output<typeof filterFields>) {
    this.#events = events === undefined ? undefined : new Set(events);
    this.#fields = Object.entries(where ?? {});
  }

  /** Every message passes. */
  get isOpen(): boolean {
    return this.#events === undefined && this.#fields.length === 0;
  }

  passes(event: string, data: Json): boolean {
    if (this.#events !== undefined && !this.#events.has(event)) return false;
    return this.#fields.every(([field, value]) => fieldOf(data, field) === value);
  }
}

function fieldOf(data: Json, field: string): Json | undefined {
  if (typeof data !== "object" || data === null || Array.isArray(data) || !Object.hasOwn(data, field)) return undefined;
  return Reflect.get(data, field);
}
