// An application that was there before: people log in, post on a wall, and read it. What Tidemark adds are the two places
// that speak with `tide`: a post is published, and a page gets a token to follow.
import { type ServerClient, TidemarkError } from "@tidemark/client/http";
import type { App } from "@tidemark/protocol";
import Fastify, { type FastifyInstance, type FastifyReply } from "fastify";
import type { PageFile } from "./page-files.js";
import { addSessions } from "./sessions.js";

/** Everybody follows it. */
export const CHANNEL = "wall";

/** What this application keeps. */
export interface Post {
  readonly id: number;
  readonly by: string;
  readonly text: string;
}

interface WallOptions {
  readonly tide: ServerClient<App>;
  /** Where pages find Tidemark. */
  readonly tideUrl: string;
  readonly pageFiles: readonly PageFile[];
}

/** The application; it does not listen yet. */
export async function wall({ tide, tideUrl, pageFiles }: WallOptions): Promise<FastifyInstance> {
  const app = Fastify();
  const posts: Post[] = [];
  // Who has logged out follows no longer, in no window. That this fails must not keep anybody from logging out.
  const end = (user: string): Promise<void> =>
    tide.revoke({ sub: user }).catch((error: unknown) => app.log.warn(error));
  const sessions = await addSessions(app, end);

  app.get("/posts", (request, reply) => (sessions.userOf(request) === undefined ? nobody(reply) : posts));

  app.post<{ Body: { text: string } }>("/posts", { schema: { body: POST } }, async (request, reply) => {
    const by = sessions.userOf(request);
    if (by === undefined) return nobody(reply);
    const post = { id: posts.length + 1, by, text: request.body.text };
    posts.push(post);
    return reply.code(201).send({ ...post, told: await tell(tide, post) });
  });

  app.post("/tide-token", async (request, reply) => {
    const user = sessions.userOf(request);
    if (user === undefined) return nobody(reply);
    const grants = [{ doc: `channel/${CHANNEL}`, may: ["open"] }] as const;
    return { url: tideUrl, token: await tide.token({ sub: user, grants }) };
  });

  for (const { path, type, content } of pageFiles) {
    app.get(path, (_request, reply) => reply.type(type).send(content));
  }
  return app;
}

/** The post is kept, whatever becomes of this; pages that load later show it. */
async function tell(tide: ServerClient<App>, post: Post): Promise<"yes" | "no" | "perhaps"> {
  try {
    await tide.publish(CHANNEL, "post", { ...post });
    return "yes";
  } catch (error) {
    if (!(error instanceof TidemarkError)) throw error;
    return error.outcome === "rejected" ? "no" : "perhaps";
  }
}

const nobody = (reply: FastifyReply): FastifyReply => reply.code(401).send({ error: "log in first" });

const POST = {
  type: "object",
  required: ["text"],
  properties: { text: { type: "string", minLength: 1, maxLength: 1_000 } },
};
