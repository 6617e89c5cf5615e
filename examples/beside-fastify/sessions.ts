// The login that this application has had all along: names, passwords, and sessions in a cookie. It knows nothing of Tidemark.
import { randomBytes, scryptSync, timingSafeEqual } from "node:crypto";
import cookie from "@fastify/cookie";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

const COOKIE = "session";
const SALT = "salt of an example";
const hashed = (password: string): Buffer => scryptSync(password, SALT, 32);

/** Who there is. */
const PASSWORDS: ReadonlyMap<string, Buffer> = new Map([
  ["ann", hashed("woof")],
  ["bob", hashed("meow")],
]);

/** Who is logged in. */
export interface Sessions {
  /** Undefined: nobody. */
  userOf(request: FastifyRequest): string | undefined;
}

/** Adds `POST /login` and `POST /logout`. `onLogout` is told who has left. */
export async function addSessions(
  app: FastifyInstance,
  onLogout: (user: string) => Promise<unknown>,
): Promise<Sessions> {
  const users = new Map<string, string>();
  await app.register(cookie);
  const userOf = (request: FastifyRequest): string | undefined => users.get(request.cookies[COOKIE] ?? "");
  app.post<{ Body: { name: string; password: string } }>("/login", { schema: { body: LOGIN } }, (request, reply) => {
    const { name, password } = request.body;
    const known = PASSWORDS.get(name);
    if (!timingSafeEqual(hashed(password), known ?? hashed("")) || known === undefined) return reply.code(401).send();
    const id = randomBytes(32).toString("base64url");
    users.set(id, name);
    return kept(reply, id).send({ user: name });
  });
  app.post("/logout", async (request, reply) => {
    const user = userOf(request);
    users.delete(request.cookies[COOKIE] ?? "");
    if (user !== undefined) await onLogout(user);
    return reply.clearCookie(COOKIE, { path: "/" }).code(204).send();
  });
  return { userOf };
}

const LOGIN = {
  type: "object",
  required: ["name", "password"],
  properties: { name: { type: "string" }, password: { type: "string" } },
};

/** Out of reach for scripts, and for forms of other sites. */
const kept = (reply: FastifyReply, id: string): FastifyReply =>
  reply.setCookie(COOKIE, id, { path: "/", httpOnly: true, sameSite: "strict" });
