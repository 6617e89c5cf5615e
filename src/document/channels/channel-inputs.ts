// What may be asked of a channel: to publish, to look back, to follow some of its messages.
import { type Json, LIMITS } from "@tidemark/protocol";
import { z } from "zod";
import { type CompiledInput, compileInput } from "../definition/compiled-input.js";
import { filterFields, MessageFilter } from "./message-filter.js";

const PAGE_MESSAGES = 100;
const PAGE_MESSAGES_MAX = 1_000;

const EVERYTHING = new MessageFilter({});

/** A message to be published. */
export class Publication {
  readonly event: string;
  readonly data: Json;

  constructor(event: string, data: Json) {
    this.event = event;
    this.data = data;
  }
}

/** A question for messages that were published: at most `limit` that pass, below `before`, newest first. */
export class LookBack {
  readonly before: number;
  readonly limit: number;
  readonly filter: MessageFilter;

  constructor({
    before = Number.MAX_SAFE_INTEGER,
    limit = PAGE_MESSAGES,
    filter = EVERYTHING,
  }: Partial<LookBack> = {}) {
    this.before = before;
    this.limit = limit;
    this.filter = filter;
  }
}

// What arrives is JSON: looking through it again would cost every message.
const json = z.custom<Json>(() => true);

const event = z
  .string()
  .min(1)
  .max(LIMITS.nameLengthMax)
  // Where events are read as text, a name stands in a line of its own.
  .regex(/^\P{Cc}*$/u)
  .refine((name) => name !== "gap", "any name but gap, by which clients learn that messages are lost");

/** May a message have this name? */
export const isEventName = (name: string): boolean => event.safeParse(name).success;

const lookBackFields = filterFields.extend({
  before: z.int().min(1).optional(),
  limit: z.int().min(1).max(PAGE_MESSAGES_MAX).optional(),
});

/** `{event, data?}` to a `Publication`. */
export const publicationInput: CompiledInput = compileInput(
  z.strictObject({ event, data: json.optional() }).transform(({ event, data = null }) => new Publication(event, data)),
);

/** `{before?, limit?, events?, where?}`, or nothing, to a `LookBack`. */
export const lookBackInput: CompiledInput = compileInput(
  lookBackFields.nullable().transform((asked) => {
    const { before, limit, ...fields } = asked ?? {};
    const range = { ...(before === undefined ? {} : { before }), ...(limit === undefined ? {} : { limit }) };
    return new LookBack({ ...range, filter: new MessageFilter(fields) });
  }),
);

/** `{events?, where?}` to a `MessageFilter`. */
export const filterInput: CompiledInput = compileInput(filterFields.transform((fields) => new MessageFilter(fields)));
