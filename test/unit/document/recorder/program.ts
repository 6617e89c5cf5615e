// Random programs of mutations, run on two drafts in step: the recorder's and that of an independent library. A program
// is data; what it touches depends only on the state it meets, which must be the same on both sides.
import fc from "fast-check";
import { InvalidStateError } from "../../../../src/document/recorder/invalid-state.js";
import { canonical, plain } from "./replay.js";

type Container = unknown[] | Record<string, unknown>;

/** The same container seen through both libraries. */
interface Pair {
  readonly ours: Container;
  readonly oracle: Container;
}

const KEYS = [
  "",
  "a",
  "b",
  "c",
  "~",
  "/",
  "~1",
  "a/b",
  "constructor",
  "toString",
  "hasOwnProperty",
  "0",
  "1",
  "ключ",
  "😀",
  "length",
];
export const key = fc.constantFrom(...KEYS);
const text = fc.oneof(fc.string({ unit: "grapheme", maxLength: 6 }), fc.constantFrom("", "x", "xy"));
const primitive = fc.oneof(
  text,
  fc.integer({ min: -3, max: 3 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.constant(null),
);

export const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: "small", withCrossShrink: true },
    primitive,
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(key, tie("value"), { maxKeys: 4, noNullPrototype: true }),
  ),
}));

/** A root with enough inside to walk about in. */
export const state = fc.record({
  list: fc.array(value, { maxLength: 6 }),
  records: fc.dictionary(key, value, { maxKeys: 4, noNullPrototype: true }),
  nested: fc.array(fc.array(value, { maxLength: 3 }), { maxLength: 3 }),
  items: fc.array(fc.record({ text, tags: fc.array(primitive, { maxLength: 3 }) }), { maxLength: 4 }),
});

const VERBS = [
  "set",
  "set",
  "delete",
  "append",
  "append",
  "copy",
  "hold",
  "hold",
  "splice",
  "splice",
  "push",
  "pop",
  "shift",
  "unshift",
  "truncate",
  "sort",
  "reverse",
  "fill",
  "copyWithin",
  "move",
  "move",
  "same",
  "assign",
] as const;

export interface Step {
  readonly verb: (typeof VERBS)[number];
  /** Where to go from the root, or, with `held`, which held reference to use. */
  readonly walk: readonly number[];
  readonly held: number | undefined;
  readonly to: readonly number[];
  readonly key: string;
  readonly a: number;
  readonly b: number;
  readonly values: readonly unknown[];
}

const small = fc.integer({ min: 0, max: 7 });
const walk = fc.array(small, { maxLength: 4 });
export const step: fc.Arbitrary<Step> = fc.record({
  verb: fc.constantFrom(...VERBS),
  walk,
  held: fc.option(small, { nil: undefined, freq: 2 }),
  to: walk,
  key,
  a: small,
  b: small,
  values: fc.array(value, { minLength: 1, maxLength: 3 }),
});
export const program = fc.array(step, { minLength: 3, maxLength: 14, size: "max" });

const isContainer = (item: unknown): item is Container => typeof item === "object" && item !== null;
const keysOf = (container: Container): string[] => Object.keys(container);
const at = (container: Container, name: string): unknown => Reflect.get(container, name);
const order = (a: unknown, b: unknown): number =>
  canonical(a) < canonical(b) ? -1 : canonical(a) > canonical(b) ? 1 : 0;

/** Runs programs on both drafts. */
export class Runner {
  readonly #root: Pair;
  readonly #held: Pair[] = [];
  /** How many writes to detached references were refused. */
  refusals = 0;

  constructor(ours: object, oracle: object) {
    this.#root = { ours: ours as Container, oracle: oracle as Container };
  }

  run(step: Step): void {
    const target = this.#target(step);
    if (this.#isAttached(target)) this.#write(step, target);
    else this.#expectRefusal(step, target.ours);
  }

  #target(step: Step): Pair {
    const held = step.held === undefined ? undefined : this.#held[step.held % Math.max(1, this.#held.length)];
    return held ?? this.#walk(step.walk);
  }

  #walk(turns: readonly number[]): Pair {
    let place = this.#root;
    for (const turn of turns) {
      const below = keysOf(place.oracle).filter((name) => isContainer(at(place.oracle, name)));
      const name = below[turn % Math.max(1, below.length)];
      if (name === undefined) break;
      place = this.#child(place, name);
    }
    return place;
  }

  #child(place: Pair, name: string): Pair {
    const [ours, oracle] = [at(place.ours, name), at(place.oracle, name)];
    if (!isContainer(ours) || !isContainer(oracle)) throw new Error(`the drafts differ at ${name}`);
    return { ours, oracle };
  }

  #isAttached({ oracle }: Pair): boolean {
    const reaches = (place: Container): boolean =>
      place === oracle || Object.values(place).some((item) => isContainer(item) && reaches(item));
    return reaches(this.#root.oracle);
  }

  #expectRefusal(step: Step, ours: Container): void {
    JSON.stringify(ours);
    try {
      if (Array.isArray(ours)) ours.push({ lost: true });
      else ours[step.key] = { lost: true };
    } catch (error) {
      if (!(error instanceof InvalidStateError)) throw error;
      this.refusals += 1;
      return;
    }
    throw new Error("a write to a detached node went through");
  }

  #write(step: Step, target: Pair): void {
    const { ours, oracle } = target;
    if (step.verb === "hold") this.#hold(target);
    else if (step.verb === "append") this.#append(step, target);
    else if (step.verb === "copy") this.#copy(step, target);
    else if (step.verb === "move") this.#move(step, target);
    else if (Array.isArray(ours) && Array.isArray(oracle)) {
      writeArray(step, ours, (item) => item);
      writeArray(step, oracle, plain);
    } else {
      writeObject(step, ours, (item) => item);
      writeObject(step, oracle, plain);
    }
  }

  /** Keeps references to a container and to what is directly in it. */
  #hold(target: Pair): void {
    this.#held.push(target);
    for (const name of keysOf(target.oracle))
      if (isContainer(at(target.oracle, name))) this.#held.push(this.#child(target, name));
  }

  #append({ a, key: suffix }: Step, { ours, oracle }: Pair): void {
    const texts = keysOf(oracle).filter((name) => typeof at(oracle, name) === "string");
    const name = texts[a % Math.max(1, texts.length)];
    if (name === undefined) return;
    for (const container of [ours, oracle]) Reflect.set(container, name, `${at(container, name)}${suffix}`);
  }

  /** Inserts something that is in the state already: as a draft on our side, as a copy on the other. */
  #copy(step: Step, { ours, oracle }: Pair): void {
    const source = this.#walk(step.to);
    // A draft set to its own place stays what it is, which a copy would not.
    if (source.oracle === this.#root.oracle || at(oracle, step.key) === source.oracle) return;
    const twin = plain(source.oracle);
    if (Array.isArray(ours) && Array.isArray(oracle)) {
      ours.unshift({ inside: source.ours });
      oracle.unshift({ inside: twin });
    } else {
      Reflect.set(ours, step.key, source.ours);
      Reflect.set(oracle, step.key, twin);
    }
  }

  /** Takes something out and puts it in elsewhere, as kanban boards do. */
  #move(step: Step, { ours, oracle }: Pair): void {
    const name = keysOf(oracle)[step.a % Math.max(1, keysOf(oracle).length)];
    if (name === undefined || oracle === this.#root.oracle) return;
    const taken = { ours: takeOut(ours, name), oracle: plain(takeOut(oracle, name)) };
    const to = this.#walk(step.to);
    if (Array.isArray(to.ours) && Array.isArray(to.oracle)) {
      const index = step.b % (to.oracle.length + 1);
      to.ours.splice(index, 0, taken.ours);
      to.oracle.splice(index, 0, taken.oracle);
    } else if (to.oracle !== this.#root.oracle) {
      Reflect.set(to.ours, step.key, taken.ours);
      Reflect.set(to.oracle, step.key, taken.oracle);
    }
  }
}

function takeOut(container: Container, name: string): unknown {
  if (Array.isArray(container)) return container.splice(Number(name), 1)[0];
  const value = container[name];
  delete container[name];
  return value;
}

type Insert = (value: unknown) => unknown;

function writeObject(step: Step, target: Container, insert: Insert): void {
  if (Array.isArray(target)) throw new Error("the drafts differ in kind");
  if (step.verb === "delete" || step.verb === "pop" || step.verb === "splice") delete target[step.key];
  else if (step.verb === "same" && Object.hasOwn(target, step.key)) target[step.key] = at(target, step.key);
  else if (step.verb === "assign") Object.assign(target, { [step.key]: insert(step.values[0]), other: step.a });
  else target[step.key] = insert(step.values[0]);
}

function writeArray(step: Step, target: unknown[], insert: Insert): void {
  const { length } = target;
  const [a, b] = [step.a % (length + 1), step.b % (length + 1)];
  const values = step.values.map(insert);
  switch (step.verb) {
    case "push":
      return void target.push(...values);
    case "unshift":
      return void target.unshift(...values);
    case "pop":
      return void target.pop();
    case "shift":
      return void target.shift();
    case "splice":
      return void target.splice(a, step.b, ...values.slice(1));
    case "delete":
      return void target.splice(-step.b);
    case "truncate":
      target.length = a;
      return;
    case "sort":
      return void target.sort(order);
    case "reverse":
      return void target.reverse();
    case "fill":
      // One by one on the other side: there fill would put one and the same draft at many places.
      if (insert === plain) for (let index = a; index < b; index++) target[index] = plain(step.values[0]);
      else target.fill(step.values[0], a, b);
      return;
    case "copyWithin":
      if (insert === plain) copyWithin(target, a, b);
      else target.copyWithin(a, b);
      return;
    case "same":
      if (a < length) Reflect.set(target, a, target[a]);
      return;
    default:
      target[a] = values[0];
  }
}

function copyWithin(target: unknown[], to: number, from: number): void {
  const twins = target.slice(from).map((item) => plain(item));
  for (let offset = 0; offset < twins.length && to + offset < target.length; offset++) {
    // An element copied onto itself stays what it is.
    if (to !== from) target[to + offset] = twins[offset];
  }
}
