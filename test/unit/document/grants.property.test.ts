// Random rules, grants and documents against a model of a few lines: nobody may do what neither a rule nor a grant says,
// and everybody may do what one of them says.
import type { Json, Principal } from "@tidemark/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { type ResolvedType, resolveType } from "../../../src/document/definition/resolved-type.js";
import type { Answer, Caller } from "../../../src/document/documents.js";
import type { Grant, Right } from "../../../src/document/grants.js";
import { documentType } from "../../../src/index.js";
import { BenchClient, BenchFollower, boardName, callerOf, DocumentBench } from "../../support/document-bench.js";

/** What each rule answers; undefined: the type has none. */
type Policy = Readonly<Record<"canOpen" | "canCreate" | "canList" | "canHistory" | "canDelete", boolean | undefined>>;

const KEYS = ["a", "ab", "b"] as const;
const DEEDS = [
  "open",
  "openCreate",
  "message",
  "guarded",
  "guardedBadly",
  "ruleThrows",
  "guardedQuery",
  "guardedQueryBadly",
  "query",
  "head",
  "get",
  "past",
  "history",
  "create",
  "delete",
  "list",
] as const;
type Deed = (typeof DEEDS)[number];

const answer = fc.option(fc.boolean(), { nil: undefined });
const policies = fc.record({
  ...{ canOpen: answer, canCreate: answer, canList: answer, canHistory: answer, canDelete: answer },
});
const rights = fc.constantFrom<Right>("open", "call", "publish", "presence", "create", "delete", "list", "history");
const grantLists = fc.array(
  fc.record({
    doc: fc.constantFrom("board/*", "board/a*", "board/a", "board/ab", "board/ab*", "board/b", "boards/*", "boar/a"),
    may: fc.array(rights, { maxLength: 3 }),
  }),
  { maxLength: 3 },
);
const scenes = fc.record({
  policy: policies,
  grants: grantLists,
  later: grantLists,
  key: fc.constantFrom(...KEYS),
  exists: fc.boolean(),
});
type Scene = typeof scenes extends fc.Arbitrary<infer S> ? S : never;

/** The model. */
const granted = (grants: readonly Grant[], right: Right, id: string): boolean =>
  grants.some((grant) => {
    const pattern = new RegExp(`^${grant.doc.replace("*", "[a-z]*")}$`);
    return grant.may.some((may) => may === right) && pattern.test(id);
  });

function allowed(deed: Deed, { policy, grants, key }: Scene): boolean {
  const may = (right: Right): boolean => granted(grants, right, `board/${key}`);
  const opens = policy.canOpen ?? true;
  const rules: Record<Deed, boolean> = {
    open: opens || may("open"),
    openCreate: opens || may("open"),
    get: opens || may("open"),
    head: opens || may("open"),
    message: opens || may("call"),
    query: opens || may("call"),
    // A message's own rule is the only one.
    guarded: false,
    guardedBadly: false,
    ruleThrows: false,
    guardedQuery: false,
    guardedQueryBadly: false,
    past: (opens || may("open")) && (policy.canHistory === true || may("history")),
    history: policy.canHistory === true || may("history"),
    create: policy.canCreate === true || may("create"),
    delete: policy.canDelete === true || may("delete"),
    list: policy.canList === true || grants.some(({ doc, may }) => doc === "board/*" && may.includes("list")),
  };
  return rules[deed];
}

/** What is heard: `ok`, or why not. */
function expected(deed: Deed, scene: Scene): string {
  const yes = allowed(deed, scene);
  const creates = allowed("create", scene);
  if (deed === "list") return yes ? "ok" : "denied";
  // What an input must be is no secret, and says nothing of what there is.
  if (deed.endsWith("Badly")) return "invalid_input";
  if (deed === "create") return creates ? (scene.exists ? "already_exists" : "ok") : "denied";
  if (scene.exists) return yes ? "ok" : "denied";
  if (deed === "openCreate") return creates && yes ? "ok" : "denied";
  return creates ? "not_found" : "denied";
}

const board = documentType({
  state: z.object({ n: z.number() }),
  init: () => ({ n: 0 }),
  messages: (message) => ({
    add: message(z.null(), (ctx) => {
      ctx.state.n += 1;
    }),
    guarded: message(
      z.null(),
      () => undefined,
      () => false,
    ),
    ruleThrows: message(
      z.null(),
      () => undefined,
      (ctx) => Reflect.get(ctx.state, "absent").member,
    ),
  }),
  queries: (query) => ({
    value: query((ctx) => ctx.state.n),
    guardedQuery: query(
      z.null(),
      () => 0,
      () => false,
    ),
  }),
});

const rule = (says: boolean | undefined) =>
  says === undefined ? undefined : ({ roles }: Principal) => says || roles.includes("service");

const typeOf = (policy: Policy): ResolvedType => ({
  ...resolveType(board),
  canOpen: rule(policy.canOpen),
  canCreate: rule(policy.canCreate),
  canList: rule(policy.canList),
  canHistory: rule(policy.canHistory),
  canDelete: rule(policy.canDelete),
});

const holder = (grants: readonly Grant[]): Caller => ({ ...callerOf("ann"), grants });
const said = (given: Answer | undefined): string => (given?.kind === "ok" ? "ok" : (given?.code ?? "nothing"));

const CALLS: Partial<Record<Deed, readonly [name: string, input: Json, query: boolean]>> = {
  message: ["add", null, false],
  guarded: ["guarded", null, false],
  guardedBadly: ["guarded", 5, false],
  ruleThrows: ["ruleThrows", null, false],
  guardedQuery: ["guardedQuery", null, true],
  guardedQueryBadly: ["guardedQuery", 5, true],
  query: ["value", null, true],
  head: ["$head", null, true],
  get: ["$get", {}, true],
  past: ["$get", { seq: 1 }, true],
  history: ["$history", {}, true],
  create: ["$create", true, false],
  delete: ["$delete", null, false],
};

async function staged({ policy, key, exists }: Scene): Promise<DocumentBench> {
  const bench = new DocumentBench({ type: typeOf(policy) });
  if (!exists) return bench;
  bench.client("root", { roles: ["service"] }).send("$create", true, { document: boardName(key) });
  await bench.settle();
  return bench;
}

async function follow(bench: DocumentBench, { grants, key }: Scene, create?: true): Promise<BenchFollower> {
  const document = boardName(key);
  const follower = new BenchFollower(bench, { name: "ann", caller: holder(grants), document });
  follower.open(create === undefined ? {} : { create });
  await bench.settle();
  return follower;
}

async function heard(deed: Deed, scene: Scene): Promise<string> {
  const bench = await staged(scene);
  const caller = holder(scene.grants);
  if (deed === "list") {
    return bench.documents.list({ caller, type: "board", after: "", limit: 10 }).then(
      () => "ok",
      (error: { code: string }) => error.code,
    );
  }
  if (deed === "open" || deed === "openCreate") {
    const { endedWith } = await follow(bench, scene, deed === "open" ? undefined : true);
    return endedWith ?? "ok";
  }
  const [name, input, query] = CALLS[deed] ?? ["", null, false];
  const { answers } = new BenchClient(bench, caller, "c").send(name, input, { query, document: boardName(scene.key) });
  await bench.settle();
  return said(answers[0]);
}

describe("grants and rules together", () => {
  it("[R18] [ACCESS-3] let everybody do what one of them says, and nobody anything else", async () => {
    await fc.assert(
      fc.asyncProperty(scenes, async (scene) => {
        for (const deed of DEEDS) expect(await heard(deed, scene), deed).toBe(expected(deed, scene));
      }),
      { numRuns: 300 },
    );
  });

  it("[R18] [ACCESS-2] answer alike for what is forbidden and for what is not there, to one who may not create it", async () => {
    await fc.assert(
      fc.asyncProperty(scenes, fc.constantFrom(...DEEDS), async (scene, deed) => {
        fc.pre(!allowed(deed, scene) && !allowed("create", scene));
        const answers = await Promise.all([true, false].map((exists) => heard(deed, { ...scene, exists })));
        expect(answers[0]).toBe(answers[1]);
      }),
      { numRuns: 200 },
    );
  });

  it("[R18] [ACCESS-1] are asked again when a token was refreshed: the stream goes with the last right to it", async () => {
    await fc.assert(
      fc.asyncProperty(scenes, async (scene) => {
        const bench = await staged({ ...scene, exists: true });
        const follower = await follow(bench, scene);
        fc.pre(follower.isAttached);
        Object.assign(follower, { caller: holder(scene.later) });
        bench.documents.refresh(follower.document, follower);
        await bench.settle();
        const stays = allowed("open", { ...scene, grants: scene.later });
        expect([follower.isAttached, follower.endedWith]).toEqual(stays ? [true, undefined] : [false, "denied"]);
      }),
      { numRuns: 200 },
    );
  });
});
