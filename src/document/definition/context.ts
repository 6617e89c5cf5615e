// What handlers, queries and `can` get as `ctx`, as types. The document room makes the values.
import type { DeepReadonly, Json, Principal } from "@tidemark/protocol";
import type { TaskInput } from "./task.js";

/** What every handler may do. All of it belongs to the transaction: a throw or a `reject` undoes everything. */
export interface Effects<Events, Timers, Tasks> {
  /** The document's key, without its type. */
  readonly key: string;
  /** Unix milliseconds, the same during the whole handler and in the delta's `at`. */
  readonly now: number;
  /** Uniform in [0, 1). */
  random(): number;
  /** A UUIDv7. */
  uuid(): string;
  /** Sends an event to the subscribers, durable with this delta. Throws `invalid_state` on data off its schema. */
  emit<K extends keyof Events & string>(event: K, data: Events[K]): void;
  /** Runs `onTimer[timer]` once, `ms` from now or as soon after as the server is up. Returns the timer's id. */
  after<K extends keyof Timers & string>(ms: number, timer: K, data: Timers[K]): string;
  /** Runs `onTimer[timer]` every `ms` (at least 1,000); ticks missed while down become one. Returns the timer's id. */
  every<K extends keyof Timers & string>(ms: number, timer: K, data: Timers[K]): string;
  /** Forgets a timer; false if it has run or never was. */
  cancel(timerId: string): boolean;
  /** Queues `onTask[task].run` for after the commit, at least once. Returns the task's id. */
  task<K extends keyof Tasks & string>(task: K, input: TaskInput<Tasks[K]>): string;
  /** Undoes everything; the sender gets a `rejected` error with this `reason`. */
  reject(reason: string, message?: string, data?: Json): never;
}

/** What timers, task results and member hooks get: there is no caller. */
export interface Context<State, Events, Timers, Tasks> extends Effects<Events, Timers, Tasks> {
  /** Write to it in place. A write to a node that has left the tree throws. */
  readonly state: State;
  /** The seq this transaction gets if it commits. */
  readonly seq: number;
}

/** What message handlers get. */
export interface MessageContext<State, Events, Timers, Tasks> extends Context<State, Events, Timers, Tasks> {
  readonly caller: Principal;
}

/** What `init` gets: the new document has no state yet. */
export interface InitContext<Events, Timers, Tasks> extends Effects<Events, Timers, Tasks> {
  readonly caller: Principal;
}

/** What queries and `can` get: a frozen state. */
export interface ReadContext<State> {
  readonly caller: Principal;
  readonly key: string;
  readonly now: number;
  readonly seq: number;
  readonly state: DeepReadonly<State>;
}
