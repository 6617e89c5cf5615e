// The one kind of value Tidemark stores and sends.

/** A JSON object. */
export interface JsonObject {
  readonly [name: string]: Json;
}

/** What state, inputs, results, events and claims are made of. Numbers are finite IEEE doubles; no `undefined`. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
