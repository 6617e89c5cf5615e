// IRC channels as documents of type `room`. The state is what a newcomer needs at once (topic, who is here, counts); each
// line is an event of the log, kept for ever and read in pages, so that the state stays small however old a room gets.
import { defineApp, documentType } from "tidemark";
import { z } from "zod";

const Nick = z.string().min(1).max(64);
const Text = z.string().max(2_000);

/** A line as everybody sees it. */
const Line = z.object({
  kind: z.enum(["say", "act", "join", "part", "rename", "notice"]),
  nick: z.string(),
  text: z.string(),
  /** HH:MM of the original log, if it is a line of one. */
  time: z.string().optional(),
});

export const room = documentType({
  state: z.object({
    topic: z.string(),
    /** How many lines each of those present has written. */
    present: z.record(z.string(), z.number().int()),
    lines: z.number().int(),
    joins: z.number().int(),
  }),
  create: z.object({ topic: Text }),
  events: { line: { data: Line } },
  history: "forever",
  canCreate: () => true,
  canHistory: () => true,
  init: (_ctx, { topic }) => ({ topic, present: {}, lines: 0, joins: 0 }),
  messages: (message) => ({
    /** Somebody in front of a page says something. */
    say: message(z.object({ text: Text.min(1) }), (ctx, { text }) => {
      const nick = ctx.caller.id;
      ctx.state.present[nick] = (ctx.state.present[nick] ?? 0) + 1;
      ctx.state.lines += 1;
      ctx.emit("line", { kind: "say", nick, text });
      return { line: ctx.state.lines };
    }),
    topic: message(z.object({ text: Text }), (ctx, { text }) => {
      ctx.state.topic = text;
    }),
    /** One line of an existing log; only the importer may write in other people's names. */
    log: message(
      z.object({
        kind: Line.shape.kind,
        nick: Nick.optional(),
        to: Nick.optional(),
        text: Text,
        time: z.string().optional(),
      }),
      (ctx, { kind, nick = "", to, text, time }) => {
        const { state } = ctx;
        state.lines += 1;
        if (kind === "join") {
          state.present[nick] ??= 0;
          state.joins += 1;
        }
        if (kind === "say" || kind === "act") state.present[nick] = (state.present[nick] ?? 0) + 1;
        if (kind === "part") delete state.present[nick];
        if (kind === "rename" && to !== undefined) {
          state.present[to] = state.present[nick] ?? 0;
          delete state.present[nick];
        }
        ctx.emit("line", { kind, nick, text, ...(time === undefined ? {} : { time }) });
        return { line: state.lines };
      },
      (ctx) => ctx.caller.roles.includes("importer"),
    ),
  }),
  queries: (query) => ({
    /** The most talkative of those present. */
    talkers: query((ctx) =>
      Object.entries(ctx.state.present)
        .sort(([, a], [, b]) => b - a)
        .slice(0, 10)
        .map(([nick, lines]) => ({ nick, lines })),
    ),
  }),
});

/** The importer's token, chosen by whoever starts the server; without one nobody may import. */
const importerToken = process.env["IRC_LOG_IMPORTER"];
const PAGE_TOKEN = /^name:([A-Za-z0-9_[\]\\^{}|`-]{1,32})$/;

export const app = defineApp({
  documents: { room },
  // A demonstration: whoever asks for a name gets it.
  authenticate: (token) => {
    if (importerToken !== undefined && token === importerToken) return { id: "importer", roles: ["importer"] };
    const name = PAGE_TOKEN.exec(token)?.[1];
    return name === undefined ? null : { id: name };
  },
});

type IrcLog = typeof app;
/** What the page and the importer know of the application. */
export interface App extends IrcLog {}
