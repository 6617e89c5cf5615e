// Nodes made of other nodes for the same place: nullable, union, intersection, pipe, and whatever carries refinements.
import type { Json } from "@tidemark/protocol";
import { type $ZodCheck, type $ZodTypes, config, safeParse, util } from "zod/v4/core";
import type { Cover } from "../../recorder/state-guard.js";
import { DefinitionError } from "../definition-error.js";
import { expectation } from "../issue.js";
import { differsFrom, plainCopy } from "./plain-copy.js";
import { below, mismatch, type Problem, type Reach, StateNode } from "./state-node.js";

/** Stands for a node that is still being built, so that a schema may contain itself. */
export class ReferenceNode extends StateNode {
  #target: StateNode | undefined;

  get isObject(): boolean {
    return this.#node.isObject;
  }

  get isScalar(): boolean {
    return this.#node.isScalar;
  }

  get reach(): Reach {
    return this.#node.reach;
  }

  get #node(): StateNode {
    if (this.#target === undefined) throw new DefinitionError("state", "contains itself without end.");
    return this.#target;
  }

  resolve(target: StateNode): void {
    this.#target = target;
  }

  problem(value: Json): Problem | undefined {
    return this.#node.problem(value);
  }

  child(key: string): StateNode {
    return this.#node.child(key);
  }

  override removal(key: string, depth: number): Cover | undefined {
    return this.#node.removal(key, depth);
  }
}

/** `nullable()`: what stands below a value that is not null is the inner node's business. */
export class NullableNode extends StateNode {
  readonly isObject = false;
  readonly #inner: StateNode;

  constructor(inner: StateNode) {
    super();
    this.#inner = inner;
  }

  get isScalar(): boolean {
    return this.#inner.isScalar;
  }

  get reach(): Reach {
    return this.#inner.reach;
  }

  problem(value: Json): Problem | undefined {
    return value === null ? undefined : this.#inner.problem(value);
  }

  child(key: string): StateNode {
    return this.#inner.child(key);
  }

  override removal(key: string, depth: number): Cover | undefined {
    return this.#inner.removal(key, depth);
  }
}

/** What a union is made of. */
export interface UnionParts {
  readonly options: readonly StateNode[];
  /** `z.xor`: exactly one must fit. */
  readonly exclusive: boolean;
  /** The option that a discriminator names, for a better error. */
  readonly named: (value: Json) => StateNode | undefined;
}

/** `z.union`, `z.discriminatedUnion`, `z.xor`. */
export class UnionNode extends StateNode {
  readonly #parts: UnionParts;

  constructor(parts: UnionParts) {
    super();
    this.#parts = parts;
  }

  get isObject(): boolean {
    return this.#parts.options.every((option) => option.isObject);
  }

  get isScalar(): boolean {
    return this.#parts.options.every((option) => option.isScalar);
  }

  problem(value: Json): Problem | undefined {
    const { options, exclusive, named } = this.#parts;
    const fitting = options.filter((option) => option.problem(value) === undefined).length;
    if (exclusive ? fitting === 1 : fitting > 0) return undefined;
    return named(value)?.problem(value) ?? mismatch("one of the union's options", value);
  }

  /** With one option that is no scalar, whatever has something below it is that option. */
  get reach(): Reach {
    return this.#soleContainer()?.reach ?? "all";
  }

  child(key: string): StateNode {
    return this.#soleContainer()?.child(key) ?? this;
  }

  override removal(key: string, depth: number): Cover | undefined {
    const sole = this.#soleContainer();
    return sole === undefined ? this.cover(depth) : sole.removal(key, depth);
  }

  #soleContainer(): StateNode | undefined {
    const containers = this.#parts.options.filter((option) => !option.isScalar);
    return containers.length === 1 ? containers[0] : undefined;
  }
}

/** `z.intersection`, left to zod: which side owns a key shows only in what both give back together. */
export class IntersectionNode extends StateNode {
  readonly isScalar = false;
  readonly reach: Reach = "all";
  readonly isObject: boolean;
  readonly #schema: $ZodTypes;

  constructor(schema: $ZodTypes, isObject: boolean) {
    super();
    this.#schema = schema;
    this.isObject = isObject;
  }

  problem(value: Json): Problem | undefined {
    const result = safeParse(this.#schema, plainCopy(value));
    if (result.success) {
      return differsFrom(value, result.data) ? mismatch("only keys that one side has", value) : undefined;
    }
    const issue = result.error.issues[0];
    if (issue === undefined) return mismatch("both sides", value);
    return issue.path.toReversed().reduce<Problem>((problem, token) => below(String(token), problem), {
      ...mismatch(expectation(issue), value),
    });
  }

  child(): StateNode {
    return this;
  }
}

/** `a.pipe(b)` without a transform: both must fit. */
export class PipeNode extends StateNode {
  readonly reach: Reach = "all";
  readonly #first: StateNode;
  readonly #second: StateNode;

  constructor(first: StateNode, second: StateNode) {
    super();
    this.#first = first;
    this.#second = second;
  }

  get isObject(): boolean {
    return this.#first.isObject || this.#second.isObject;
  }

  get isScalar(): boolean {
    return this.#first.isScalar || this.#second.isScalar;
  }

  problem(value: Json): Problem | undefined {
    return this.#first.problem(value) ?? this.#second.problem(value);
  }

  child(): StateNode {
    return this;
  }
}

/** A node with refinements or length bounds of its own. They are asked only when the inner node fits. */
export class RefinedNode extends StateNode {
  readonly reach: Reach;
  readonly #inner: StateNode;
  readonly #checks: readonly $ZodCheck<unknown>[];
  readonly #lengthOnly: boolean;

  constructor(inner: StateNode, checks: readonly $ZodCheck<unknown>[]) {
    super();
    this.#inner = inner;
    this.#checks = checks;
    this.#lengthOnly = checks.every((check) => lengthChecks.has(check._zod.def.check));
    this.reach = this.#lengthOnly && inner.reach === "none" ? "children" : "all";
  }

  get isObject(): boolean {
    return this.#inner.isObject;
  }

  get isScalar(): boolean {
    return this.#inner.isScalar;
  }

  problem(value: Json): Problem | undefined {
    return this.#inner.problem(value) ?? this.#refinementProblem(value);
  }

  child(key: string): StateNode {
    return this.#inner.child(key);
  }

  override removal(_key: string, depth: number): Cover {
    return this.cover(depth);
  }

  /** A refinement gets a copy: it is application code, and may neither write to the state nor keep it. */
  #refinementProblem(value: Json): Problem | undefined {
    const given: unknown = this.#lengthOnly ? value : plainCopy(value);
    const payload = { value: given, issues: [] };
    for (const check of this.#checks) {
      if (check._zod.def.when?.(payload) === false) continue;
      refusePromise(check._zod.check(payload));
      if (payload.issues.length > 0) return issueProblem(payload.issues, value);
      if (payload.value !== given) return mismatch("a value that its check leaves unchanged", value);
    }
    return undefined;
  }
}

const lengthChecks = new Set(["min_length", "max_length", "length_equals"]);

function refusePromise(answer: void | Promise<void>): void {
  if (!(answer instanceof Promise)) return;
  // Its rejection must not end the process (R19).
  answer.catch(() => undefined);
  throw new DefinitionError("state", "has a refinement that returns a promise: a state is checked synchronously.");
}

function issueProblem(issues: readonly Parameters<typeof util.finalizeIssue>[0][], value: Json): Problem {
  const raw = issues[0];
  const tokens = (raw?.path ?? []).map(String).toReversed();
  const expected = raw === undefined ? "another value" : expectation(util.finalizeIssue(raw, undefined, config()));
  return { ...mismatch(expected, value), tokens };
}
