// The HTTP side of a server: health, readiness, and an application's static files. It owns routes and their headers.
import { existsSync } from "node:fs";
import fastifyStatic from "@fastify/static";
import fastify, { type FastifyInstance } from "fastify";

/** What the HTTP app serves. */
export interface HttpParts {
  /** A folder of static files to serve at `/`; undefined: none. */
  readonly staticDir: string | undefined;
  /** Whether the server may be sent work. */
  readonly ready: () => boolean;
}

const REQUEST_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_MS = 72_000;

/** Builds the app; nothing listens yet. */
export async function httpApp({ staticDir, ready }: HttpParts): Promise<FastifyInstance> {
  const app = fastify({
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    bodyLimit: 1_048_576,
    forceCloseConnections: true,
  });
  app.get("/healthz", async (_request, reply) => reply.type("text/plain").send("ok\n"));
  app.get("/readyz", async (_request, reply) =>
    ready() ? reply.type("text/plain").send("ready\n") : reply.code(503).type("text/plain").send("not ready\n"),
  );
  if (staticDir !== undefined && existsSync(staticDir)) {
    await app.register(fastifyStatic, { root: staticDir, prefix: "/" });
  }
  return app;
}
