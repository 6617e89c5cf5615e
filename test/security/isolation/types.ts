// The document types of the cases: three shapes that are made once, with the rules of a policy in place of their own.
import type { Principal } from "@tidemark/protocol";
import { z } from "zod";
import type { MessageBuilder, QueryBuilder } from "../../../src/document/definition/builders.js";
import { resolveDefinition } from "../../../src/document/definition/resolve-definition.js";
import type { ResolvedMessage, ResolvedType } from "../../../src/document/definition/resolved-type.js";
import type { Policy, Says } from "./cases.js";

const state = z.object({
  open: z.boolean(),
  texts: z.array(z.string()),
  hidden: z.string(),
  owned: z.record(z.string(), z.string()),
});
type State = z.output<typeof state>;
interface Events {
  readonly said: string;
  readonly whispered: { readonly to: string; readonly text: string };
}

/** A text, for whom it is, and what becomes of the state's `open`. */
const note = z.object({ text: z.string(), to: z.string().default(""), open: z.boolean().optional() });

const base = {
  state,
  events: {
    said: { data: z.string() },
    whispered: {
      data: z.object({ to: z.string(), text: z.string() }),
      audience: ({ to }: Events["whispered"], viewKey: string) => to === viewKey,
    },
  },
  init: () => ({ open: true, texts: [], hidden: "", owned: {} }),
  messages: (message: MessageBuilder<State, Events, object, object>) => ({
    write: message(note, (ctx, { text, open = ctx.state.open }) => {
      ctx.state.open = open;
      ctx.state.texts.push(text);
    }),
    say: message(note, (ctx, { text }) => ctx.emit("said", text)),
    whisper: message(note, (ctx, { to, text }) => ctx.emit("whispered", { to, text })),
    own: message(note, (ctx, { to, text }) => {
      ctx.state.owned[to] = text;
    }),
    hide: message(note, (ctx, { text }) => {
      ctx.state.hidden = text;
    }),
    guarded: message(z.null(), (ctx) => ctx.state.texts.length),
  }),
  queries: (query: QueryBuilder<State>) => ({
    peek: query((ctx) => ctx.state.texts),
    guardedPeek: query(z.null(), (ctx) => ctx.state.texts),
  }),
};

const shapes = {
  log: resolveDefinition(base),
  hidden: resolveDefinition({ ...base, hidden: ["hidden", "owned"] }),
  views: resolveDefinition({
    ...base,
    shared: ({ open, texts }: State) => ({ open, texts }),
    mine: { key: ({ id }: Principal) => id, of: ({ owned }: State, key: string) => owned[key] ?? null },
  }),
};

/** The type of one case; undefined: it is about a channel. */
export function typeOf(policy: Policy): ResolvedType | undefined {
  if (policy.shape === "channel") return undefined;
  const shape = shapes[policy.shape];
  const { canOpen, canCreate, canList, canHistory, canDelete, can } = policy;
  return {
    ...shape,
    messages: can === "default" ? shape.messages : guarded(shape.messages, "guarded", can),
    queries: can === "default" ? shape.queries : guarded(shape.queries, "guardedPeek", can),
    canOpen: canOpen === "default" ? undefined : (viewer, current) => says(canOpen, viewer, current),
    canHistory: canHistory === "default" ? undefined : (viewer, current) => says(canHistory, viewer, current),
    canDelete: canDelete === "default" ? undefined : (viewer, current) => says(canDelete, viewer, current),
    canCreate: canCreate === "default" ? undefined : (caller) => says(canCreate, caller, {}),
    canList: canList === "default" ? undefined : (caller) => says(canList, caller, {}),
  };
}

type Entries = ReadonlyMap<string, ResolvedMessage>;

function guarded(entries: Entries, name: string, can: Says): Entries {
  const entry = entries.get(name);
  if (entry === undefined) throw new Error(`there is no ${name}`);
  const rule = (ctx: unknown): boolean => {
    const { caller, state: current } = ctx as { readonly caller: Principal; readonly state: object };
    return says(can, caller, current);
  };
  return new Map([...entries, [name, { ...entry, can: rule }]]);
}

function says(answer: Says, { roles }: Principal, current: object): boolean {
  if (answer === "throws") throw new Error("the rule throws");
  if (answer === "promise") return Promise.resolve(true) as unknown as boolean;
  if (answer === "truthy") return "yes" as unknown as boolean;
  return answer === "yes" || (answer === "member" && roles.includes("member")) || isOpen(answer, current);
}

const isOpen = (answer: Says, current: object): boolean => answer === "open" && Reflect.get(current, "open") === true;
