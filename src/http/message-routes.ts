// The routes that change documents: create, call a message (or a query, which changes nothing), delete. Each turns a
// request into one numbered call and its answer into a reply.
import { type Json, TidemarkError } from "@tidemark/protocol";
import { CREATE, DELETE } from "../document/calls.js";
import type { Answer } from "../document/documents.js";
import { callOnce, sendOutcome } from "./one-call.js";
import { bodyOf, DOCUMENT, documentOf, inPath, type Routes, type Visit } from "./routes.js";

/** Adds them. */
export function addMessageRoutes({ scope, runtime, handler }: Routes): void {
  const call = (visit: Visit, name: string, input: Json): Promise<Answer> =>
    callOnce(visit, runtime, { document: documentOf(visit), name, input });

  scope.post(
    `${DOCUMENT}/:name`,
    handler(async (visit) => {
      const name = inPath(visit.request, "name");
      // The service's own have addresses of their own.
      if (name.startsWith("$")) throw new TidemarkError("unknown_message");
      return sendOutcome(visit.reply, await call(visit, name, bodyOf(visit) ?? null));
    }),
  );
  scope.post(
    DOCUMENT,
    handler(async (visit) => {
      const answer = await call(visit, CREATE, bodyOf(visit) ?? true);
      const { type, key } = documentOf(visit);
      if (answer.kind === "ok") visit.reply.code(201).header("Location", `/v1/docs/${type}/${key}`);
      return sendOutcome(visit.reply, answer);
    }),
  );
  scope.delete(
    DOCUMENT,
    handler(async (visit) => sendOutcome(visit.reply, await call(visit, DELETE, null))),
  );
}
