// Changes one decoded value somewhere inside: what comes out is still a value of the codec, but perhaps no message.
import { below, oneOf, type Random } from "./byte-mutation.js";

const DEEP = 70;
const LONG = 70_000;

/** Values that have broken parsers, validators and stores before. Made anew each time: nothing may share them. */
const HOSTILE: readonly (() => unknown)[] = [
  () => null,
  () => true,
  () => -0,
  () => -1,
  () => 0.1,
  () => 2 ** 31,
  () => 2 ** 53,
  () => 1e308,
  () => "",
  () => "__proto__",
  () => "constructor",
  () => "/",
  () => "~1",
  () => "\ud800",
  () => "\u0000\r\n",
  () => "a".repeat(LONG),
  () => "sheet/x",
  () => [],
  () => ({}),
  () => JSON.parse('{"__proto__":{"polluted":1}}'),
  () => Array.from({ length: 300 }, () => 0),
  () => nested(DEEP),
  () => Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`k${index}`, index])),
];

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { a: value };
  return value;
}

/** A copy with one change; parts may come from `other`. */
export function mutateValue(value: unknown, other: unknown, random: Random): unknown {
  const places = placesOf(value);
  const target = below(random, places.length);
  let seen = -1;
  const copy = (node: unknown): unknown => {
    seen += 1;
    if (seen === target) {
      seen += placesOf(node).length - 1;
      return changed(node, other, random);
    }
    if (Array.isArray(node)) return node.map(copy);
    if (typeof node !== "object" || node === null || node instanceof Uint8Array) return node;
    return Object.fromEntries(Object.entries(node).map(([key, child]) => [key, copy(child)]));
  };
  return copy(value);
}

function changed(node: unknown, other: unknown, random: Random): unknown {
  const choice = below(random, 4);
  if (choice === 0) return oneOf(random, HOSTILE)();
  if (choice === 1) return oneOf(random, placesOf(other));
  if (Array.isArray(node)) return changedArray(node, random);
  if (typeof node === "number") return oneOf(random, [node + 1, node - 1, -node, node * 2, node / 2]);
  if (typeof node === "string") return oneOf(random, [node + node, node.slice(1), `${node}/`, node.toUpperCase()]);
  if (typeof node !== "object" || node === null || node instanceof Uint8Array) return oneOf(random, HOSTILE)();
  return changedObject(node, random);
}

function changedArray(node: readonly unknown[], random: Random): unknown[] {
  const at = below(random, node.length + 1);
  const count = below(random, 2);
  return node.toSpliced(at, count, ...(count === 0 ? [oneOf(random, HOSTILE)()] : []));
}

function changedObject(node: object, random: Random): object {
  const entries = Object.entries(node);
  const at = below(random, entries.length + 1);
  const key = oneOf(random, ["low", "ttl", "if", "q", "at", "create", "params", "token", "x".repeat(300), "toString"]);
  entries.splice(at, below(random, 2), [key, oneOf(random, HOSTILE)()]);
  return Object.fromEntries(entries);
}

/** Every value inside, the whole first. */
function placesOf(value: unknown): unknown[] {
  const places: unknown[] = [value];
  for (let index = 0; index < places.length; index++) {
    const node = places[index];
    if (typeof node !== "object" || node === null || node instanceof Uint8Array) continue;
    for (const child of Object.values(node)) places.push(child);
  }
  return places;
}
