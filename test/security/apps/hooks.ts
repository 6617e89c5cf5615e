// An application whose every hook can be made to fail by whoever asks, with words that nobody may hear.
import { defineApp, documentType } from "tidemark";
import { z } from "zod";

/** What hooks throw. */
export const SECRET = "secret-of-a-hook";

const fail = (): never => {
  throw new Error(SECRET);
};
/** Text that throws when it is looked at. */
const mined = z.string().refine((text) => (text === "mine" ? fail() : true));

const hooked = documentType({
  state: z.object({ broken: z.string(), text: z.string().refine((text) => (text === "state" ? fail() : true)) }),
  events: { told: { data: z.object({ text: mined }), audience: ({ text }) => (text === "audience" ? fail() : true) } },
  signals: { wave: mined },
  presence: z.object({ text: mined }),
  params: z.object({ text: mined.optional() }),
  canCreate: () => true,
  canOpen: (_viewer, { broken }) => (broken === "canOpen" ? fail() : true),
  init: () => ({ broken: "", text: "" }),
  shared: ({ broken, text }) => (broken === "shared" ? fail() : { text }),
  mine: {
    key: ({ id }) => (id === "keyless" ? fail() : id),
    of: ({ broken }, key) => (broken === "of" ? fail() : { key }),
  },
  messages: (message) => ({
    break: message(z.string(), (ctx, what) => {
      ctx.state.broken = what;
    }),
    write: message(mined, (ctx, text) => {
      ctx.state.text = text;
    }),
    tell: message(z.string(), (ctx, text) => ctx.emit("told", { text })),
  }),
});

const ledger = documentType({
  state: z.object({ total: z.number() }),
  canCreate: () => true,
  init: () => ({ total: 0 }),
  messages: (message) => ({
    add: message(z.object({ by: z.number() }), (ctx, { by }) => {
      ctx.state.total += by;
      return ctx.state.total;
    }),
  }),
});

const WAYS: { readonly [token: string]: () => unknown } = {
  throws: fail,
  rejects: () => Promise.reject(new Error(SECRET)),
  "rejects with nothing": () => Promise.reject(),
  "a number": () => 7,
  "an empty name": () => ({ id: "" }),
  "no name": () => ({}),
  "a name that is a list": () => ({ id: ["ann"] }),
  "roles that are none": () => ({ id: "ann", roles: 7 }),
  "grants of everything": () => ({ id: "ann", grants: "*" }),
  "a throwing getter": () => Object.defineProperty({}, "id", { get: fail }),
  "the name of an API key": () => ({ id: "key:root", roles: ["service"] }),
};

export const app = defineApp({
  documents: { hooked, ledger },
  authenticate: (token) => {
    if (token.startsWith("user:")) return { id: token.slice("user:".length) };
    // What the types forbid is answered as JavaScript would.
    const answered = Object.hasOwn(WAYS, token) ? WAYS[token]?.() : null;
    return answered as null;
  },
});
