// What an array seems to inherit through a proxy: the methods of Array.prototype, those that write in a version that
// tells a draft what was meant. Nothing here touches a node by itself.
import type { StateArray, StateValue } from "./state-node.js";
import { View } from "./view.js";

/** What the methods ask of the draft of an array. */
export interface ArrayWriter {
  readonly node: StateArray;
  readonly proxy: StateArray;
  splice(start: number, removeCount: number, items: readonly unknown[]): unknown[];
  rewrite(content: StateArray): void;
  copyFor(index: number, value: unknown): StateValue;
  seen(): StateValue[];
}

export type Methods = ReadonlyMap<string | symbol, unknown>;

/** Array.prototype as it was when the server started: `length` is an element's business. */
export const READING_METHODS: Methods = new Map(
  Reflect.ownKeys(Array.prototype)
    .filter((key) => key !== "length")
    .map((key) => [key, Reflect.get(Array.prototype, key)]),
);

type Method = (writer: ArrayWriter, args: readonly unknown[]) => unknown;

const push: Method = (writer, items) => {
  writer.splice(writer.node.length, 0, items);
  return writer.node.length;
};

const unshift: Method = (writer, items) => {
  writer.splice(0, 0, items);
  return writer.node.length;
};

const pop: Method = (writer) => {
  const { length } = writer.node;
  return length === 0 ? undefined : writer.splice(length - 1, 1, [])[0];
};

const shift: Method = (writer) => (writer.node.length === 0 ? undefined : writer.splice(0, 1, [])[0]);

const splice: Method = (writer, args) => {
  const { length } = writer.node;
  if (args.length === 0) return [];
  const start = position(args[0], length, 0);
  const removeCount = args.length === 1 ? length - start : Math.min(Math.max(whole(args[1]), 0), length - start);
  return writer.splice(start, removeCount, args.slice(2));
};

const sort: Method = (writer, [compare]) => {
  // The comparison is the application's: it sees drafts, never nodes.
  const sorted = Reflect.apply(Array.prototype.sort, writer.seen(), [compare]);
  writer.rewrite(Array.from<StateValue, StateValue>(sorted, unseen));
  return writer.proxy;
};

const reverse: Method = (writer) => {
  writer.rewrite(writer.node.toReversed());
  return writer.proxy;
};

const fill: Method = (writer, [value, from, to]) => {
  const { length } = writer.node;
  const content = writer.node.slice();
  const end = position(to, length, length);
  for (let index = position(from, length, 0); index < end; index++) content[index] = writer.copyFor(index, value);
  writer.rewrite(content);
  return writer.proxy;
};

const copyWithin: Method = (writer, args) => {
  const { node } = writer;
  const sources = Array.from(node, (_value, index) => index);
  Reflect.apply(Array.prototype.copyWithin, sources, args);
  writer.rewrite(
    sources.map((source, index) => (source === index ? node[index] : writer.copyFor(index, node[source])) ?? null),
  );
  return writer.proxy;
};

/** Searching among the nodes themselves spares a proxy for each element. */
const searching = (name: "indexOf" | "lastIndexOf" | "includes"): Method => {
  const search: unknown = Reflect.get(Array.prototype, name);
  return (writer, [sought, ...from]) => {
    if (typeof search !== "function") return undefined;
    return Reflect.apply(search, writer.node, [View.behind(sought)?.node ?? sought, ...from]);
  };
};

const WRITING: Readonly<Record<string, Method>> = {
  push,
  pop,
  shift,
  unshift,
  splice,
  sort,
  reverse,
  fill,
  copyWithin,
  indexOf: searching("indexOf"),
  lastIndexOf: searching("lastIndexOf"),
  includes: searching("includes"),
};

/** The methods of drafts of arrays. `writerOf` finds the draft a method was called on, or throws. */
export function writingMethods(writerOf: (proxy: unknown) => ArrayWriter): Methods {
  const methods = new Map(READING_METHODS);
  for (const [name, method] of Object.entries(WRITING)) {
    methods.set(name, function (this: unknown, ...args: unknown[]): unknown {
      return method(writerOf(this), args);
    });
  }
  return methods;
}

const unseen = (value: StateValue): StateValue => View.behind(value)?.node ?? value;

/** A whole number as array methods understand it; what is none is 0. */
const whole = (value: unknown): number => Math.trunc(Number(value)) || 0;

/** An index that counts from the end when negative, within 0 and `length`. */
function position(value: unknown, length: number, otherwise: number): number {
  if (value === undefined) return otherwise;
  const index = whole(value);
  return index < 0 ? Math.max(0, length + index) : Math.min(index, length);
}
