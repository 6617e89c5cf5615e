// Makes JSON that nobody can change of what a view function returned: parts of the state stay the very nodes they are,
// everything else is copied once. It refuses what JSON cannot say, naming the place and never the value.
/// <reference lib="es2024.string" />
import { formatPointer, type Json, LIMITS } from "@tidemark/protocol";
import { emptyObject, type StateValue } from "../recorder/state-node.js";
import { behind } from "./reads.js";

// Trees that were looked through: frozen all the way down, JSON all the way down.
const SETTLED = new WeakSet<object>();

/** The value as frozen JSON. Throws TypeError for what is no JSON; object members without a value are left out. */
export function shownValue(value: unknown): Json {
  return settle(value, []);
}

function settle(value: unknown, path: string[]): StateValue {
  if (typeof value === "string") return value.isWellFormed() ? value : value.toWellFormed();
  if (typeof value === "number") return number(value, path);
  if (typeof value === "boolean" || value === null) return value;
  if (typeof value !== "object") throw refused(path, `${typeof value} is not JSON`);
  const node = behind(value) ?? value;
  // What was settled is made of what a state is made of.
  if (SETTLED.has(node)) return node as StateValue;
  if (path.length >= LIMITS.depthMax) throw refused(path, `nested deeper than ${LIMITS.depthMax}`);
  return Array.isArray(node) ? settleArray(node, path) : settleObject(node, path);
}

function settleArray(node: readonly unknown[], path: string[]): StateValue {
  let same = Object.isFrozen(node);
  const copy: StateValue[] = [];
  for (let index = 0; index < node.length; index++) {
    path.push(String(index));
    const item = settle(node[index], path);
    path.pop();
    same &&= item === node[index];
    copy.push(item);
  }
  return keep(same ? (node as StateValue[]) : (Object.freeze(copy) as StateValue[]));
}

function settleObject(node: object, path: string[]): StateValue {
  refuseInstance(node, path);
  let same = true;
  const copy = emptyObject();
  for (const key of Object.keys(node)) {
    const value: unknown = Reflect.get(node, key);
    if (value === undefined) {
      same = false;
      continue;
    }
    path.push(key);
    if (key === "__proto__") throw refused(path, "the key __proto__ is forbidden");
    const settled = settle(value, path);
    path.pop();
    same &&= settled === value;
    copy[key] = settled;
  }
  // Top-level parts of the state are not frozen, but nobody holds them.
  const isState = Object.getPrototypeOf(node) === Object.getPrototypeOf(copy);
  return keep(same && (isState || Object.isFrozen(node)) ? (node as Record<string, StateValue>) : Object.freeze(copy));
}

function keep<Node extends StateValue & object>(node: Node): Node {
  SETTLED.add(node);
  return node;
}

function number(value: number, path: readonly string[]): number {
  if (!Number.isFinite(value)) throw refused(path, `${value} is not JSON`);
  return value === 0 ? 0 : value;
}

function refuseInstance(node: object, path: readonly string[]): void {
  const prototype: unknown = Object.getPrototypeOf(node);
  if (typeof prototype !== "object" || prototype === null || prototype === Object.prototype) return;
  // State nodes, and plain objects of another realm.
  if (Object.getPrototypeOf(prototype) === null) return;
  throw refused(path, "an instance of a class is not JSON");
}

const refused = (path: readonly string[], problem: string): TypeError =>
  new TypeError(`a view returned what cannot be sent: ${formatPointer(path) || "the whole"}: ${problem}`);
