// The arguments of `messages` and `queries`: how one message or query is declared, as types and as the functions that
// collect what the author wrote. Nothing is checked here; `documentType` does that with the name at hand.
import type { Message, Query } from "@tidemark/protocol";
import type { MessageContext, ReadContext } from "./context.js";
import type { Schema } from "./schema.js";

/** Turns a handler that returns a promise into a type error. */
export type Sync<R> = R extends PromiseLike<unknown> ? "a handler cannot be async: do I/O in a task (ctx.task)" : R;

/** The argument of `messages`: declares one message. Without `can`, whoever `canOpen` may send it. */
export interface MessageBuilder<State, Events, Timers, Tasks> {
  <In, Input, Out>(
    input: Schema<In, Input>,
    handler: (ctx: MessageContext<State, Events, Timers, Tasks>, input: Input) => Sync<Out>,
    can?: (ctx: ReadContext<State>, input: Input) => boolean,
  ): Message<In, Out>;
  <Out>(handler: (ctx: MessageContext<State, Events, Timers, Tasks>) => Sync<Out>): Message<void, Out>;
}

/** The argument of `queries`: declares one read-only question. It takes no seq and may be retried freely. */
export interface QueryBuilder<State> {
  <In, Input, Out>(
    input: Schema<In, Input>,
    handler: (ctx: ReadContext<State>, input: Input) => Sync<Out>,
    can?: (ctx: ReadContext<State>, input: Input) => boolean,
  ): Query<In, Out>;
  <Out>(handler: (ctx: ReadContext<State>) => Sync<Out>): Query<void, Out>;
}

/** One call of a builder: its arguments as written. */
export class Declared {
  readonly builder: "message" | "query";
  readonly parts: readonly unknown[];

  constructor(builder: Declared["builder"], parts: readonly unknown[]) {
    this.builder = builder;
    this.parts = parts;
  }
}

/** What `messages` and `queries` are called with at run time. */
export function builder(kind: Declared["builder"]): (...parts: readonly unknown[]) => Declared {
  return (...parts) => new Declared(kind, parts);
}
