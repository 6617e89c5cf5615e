// The application that the command line's tests write to disk, in versions.

/** A todo list. `extra` is put among its messages. */
export const todoApp = ({ extra = "", authenticate = false } = {}): string => `
import { defineApp, documentType } from "tidemark";
import { z } from "zod";

const todo = documentType({
  state: z.object({ items: z.array(z.string()) }),
  events: { added: { data: z.object({ text: z.string() }) } },
  canCreate: () => true,
  canHistory: () => true,
  canList: () => true,
  init: () => ({ items: [] }),
  messages: (message) => ({
    add: message(z.object({ text: z.string().min(1), times: z.number().default(1) }), (ctx, { text }) => {
      ctx.state.items.push(text);
      ctx.emit("added", { text });
      return ctx.state.items.length;
    }),
    cheer: message((ctx) => ctx.emit("added", { text: "hooray" })),
    refuse: message((ctx) => ctx.reject("not_today", "Not today.")),
    die: message(() => process.kill(process.pid, "SIGKILL")),
    stop: message((ctx) => {
      process.kill(process.pid, "SIGTERM");
      ctx.state.items.push("stopped");
      return "the last word";
    }),
    ${extra}
  }),
  queries: (query) => ({
    count: query((ctx) => ctx.state.items.length),
    pid: query(() => process.pid),
  }),
});

export const app = defineApp({
  documents: { todo },
  ${authenticate ? 'authenticate: (token) => (token.startsWith("user:") ? { id: token.slice(5) } : null),' : ""}
});
`;
