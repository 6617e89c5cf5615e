// Every wrong use by an author that must not compile. `tsc` fails when one of these stops being an error. Never run.
import { defineApp, documentType } from "tidemark";
import { z } from "zod";
import { board as boardType } from "./example.app.js";

// ------------------------------------------------------------------------------------------------- author: handlers

export const handlers = documentType({
  state: z.object({ count: z.number(), names: z.array(z.string()) }),
  events: { moved: { data: z.object({ to: z.number() }) } },
  timers: { tick: z.object({ step: z.number() }) },
  tasks: { look: { input: z.object({ url: z.string() }), output: z.object({ status: z.number() }) } },
  indexes: { count: (state) => state.count },
  canOpen: (viewer, state) => {
    // @ts-expect-error roles is read-only
    viewer.roles.push("admin");
    // @ts-expect-error access functions see a frozen state
    state.count = 1;
    return true;
  },
  init: () => ({ count: 0, names: [] }),
  messages: (message) => ({
    wrong: message(z.object({ by: z.number() }), (ctx, input) => {
      // @ts-expect-error wrong state field
      ctx.state.cuont += 1;
      // @ts-expect-error wrong type in state
      ctx.state.names.push(3);
      // @ts-expect-error wrong input field
      ctx.state.count += input.amount;
      // @ts-expect-error unknown event
      ctx.emit("movd", { to: 1 });
      // @ts-expect-error wrong event data
      ctx.emit("moved", { to: "left" });
      // @ts-expect-error missing event data
      ctx.emit("moved");
      // @ts-expect-error unknown timer
      ctx.after(10, "tock", { step: 1 });
      // @ts-expect-error wrong timer data
      ctx.every(1_000, "tick", { step: "one" });
      // @ts-expect-error unknown task
      ctx.task("lok", { url: "/" });
      // @ts-expect-error wrong task input
      ctx.task("look", { url: 5 });
      // @ts-expect-error the state object itself is not replaced
      ctx.state = { count: 0, names: [] };
      // @ts-expect-error a function is no rejection data
      ctx.reject("no", "because", () => 1);
    }),
    // @ts-expect-error a handler cannot be async
    asyncHandler: message(z.object({}), async (ctx) => ctx.now),
    // @ts-expect-error nor one without input
    asyncBare: message(async (ctx) => ctx.now),
    wrongCan: message(
      z.object({}),
      () => 1,
      // @ts-expect-error `can` answers a boolean
      (ctx) => ctx.caller.id,
    ),
  }),
  queries: (query) => ({
    peek: query((ctx) => {
      // @ts-expect-error a query does not write
      ctx.state.count = 1;
      // @ts-expect-error a query does not emit
      ctx.emit("moved", { to: 1 });
      return ctx.state.count;
    }),
  }),
  onTimer: {
    tick(ctx, data) {
      // @ts-expect-error a timer has no caller
      ctx.state.names.push(ctx.caller.id);
      // @ts-expect-error wrong timer data
      ctx.state.count += data.stp;
    },
  },
  onTask: {
    look: {
      // @ts-expect-error the output is off the task's schema
      run: async ({ url }) => ({ status: url }),
      done(ctx, output) {
        // @ts-expect-error the output's type comes from the schema
        ctx.state.names.push(output.status);
      },
    },
  },
  members: {
    // @ts-expect-error who left is an id only
    left: (ctx, who) => ctx.state.names.push(who.id),
  },
});

// --------------------------------------------------------------------------------------------- author: definitions

const state = z.object({ secret: z.string(), open: z.boolean() });
const init = () => ({ secret: "", open: true });
const messages = () => ({});

export const emptyRecord = documentType({
  state: z.object({ cards: z.record(z.string(), z.object({ text: z.string() })) }),
  init: () => ({ cards: {} }),
  messages: (message) => ({
    // compiles only as long as what `init` returns does not widen the state
    first: message((ctx) => ctx.state.cards.first?.text ?? null),
    // @ts-expect-error wrong field in a record
    second: message((ctx) => ctx.state.cards.first?.title),
  }),
});

// @ts-expect-error init must return the state
export const wrongInit = documentType({ state, init: () => ({ secret: 1, open: true }), messages });

// @ts-expect-error init is required
export const noInit = documentType({ state, messages });

// @ts-expect-error declared timers need handlers
export const noOnTimer = documentType({ state, init, messages, timers: { tick: z.object({}) } });

// @ts-expect-error declared tasks need handlers
export const noOnTask = documentType({
  state,
  init,
  messages,
  tasks: { look: { input: z.string(), output: z.string() } },
});

export const mineAlone = documentType({
  state,
  init,
  messages,
  // @ts-expect-error `mine` without `shared` would send the whole state to everybody
  mine: { key: (viewer) => viewer.id, of: (all) => ({ secret: all.secret }) },
});

// biome-ignore format: the follow-up error has to be on the same line.
// @ts-expect-error `mine` needs a key
export const mineWithoutKey = documentType({ state, init, messages, shared: ({ open }) => ({ open }), mine: { of: () => ({}) } });

export const leakyMine = documentType({
  state,
  init,
  messages,
  shared: ({ open }) => ({ open }),
  // @ts-expect-error `of` gets the key, not the viewer
  mine: { key: (viewer) => viewer.id, of: (all, me) => ({ secret: me.roles.includes("admin") ? all.secret : "" }) },
});

export const defaults = documentType({
  // @ts-expect-error a state schema with defaults
  state: z.object({ n: z.number().default(0) }),
  init: () => ({ n: 0 }),
  messages,
});

export const transforms = documentType({
  // @ts-expect-error a state schema that transforms
  state: z.object({ n: z.string().transform(Number) }),
  init: () => ({ n: 0 }),
  messages,
});

// @ts-expect-error state is an object at the root
export const scalar = documentType({ state: z.number(), init: () => 0, messages });

// @ts-expect-error an index holds a scalar
export const wrongIndex = documentType({ state, init, messages, indexes: { all: (all) => all } });

export const wrongAudience = documentType({
  state,
  init,
  messages,
  // @ts-expect-error audience sees the event's data
  events: { hi: { data: z.object({ to: z.string() }), audience: (data) => data.form === "me" } },
});

// @ts-expect-error not a document type
export const wrongApp = defineApp({ documents: { board: { state } } });

// @ts-expect-error authenticate answers an identity or null
export const wrongIdentity = defineApp({ documents: { board: boardType }, authenticate: (token) => ({ name: token }) });

// What is hidden must be a part of the state.
export const hiddenPart = documentType({
  state: z.object({ a: z.number() }),
  // @ts-expect-error not a part of the state
  hidden: ["b"],
  init: () => ({ a: 1 }),
  messages: () => ({}),
});

// A pace is a number of milliseconds.
export const wrongPace = documentType({
  state,
  init,
  messages,
  // @ts-expect-error not a number
  everyMs: "100",
});
