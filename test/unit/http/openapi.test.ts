import { Validator } from "@seriousme/openapi-schema-validator";
import type { Json } from "@tidemark/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { resolveApp } from "../../../src/document/definition/define-app.js";
import { httpApp } from "../../../src/http/app.js";
import { apiDocument } from "../../../src/http/openapi/api-document.js";
import { defineApp, documentType } from "../../../src/index.js";

const Tree = z.object({
  name: z.string(),
  get children() {
    return z.array(Tree);
  },
});
const Secret = z.object({ secretField: z.string() }).meta({ id: "SecretThing" });

const game = documentType({
  state: z.object({ board: Tree, deck: z.array(Secret), turn: z.number(), again: Tree }),
  create: z.object({ players: z.array(z.string()).min(2) }),
  hidden: ["deck"],
  init: () => ({ board: { name: "", children: [] }, deck: [], turn: 0, again: { name: "", children: [] } }),
  messages: (message) => ({
    move: message(z.object({ from: z.int(), to: z.int().default(0) }), (ctx, { from }) => {
      ctx.state.turn = from;
    }),
    pass: message((ctx) => {
      ctx.state.turn += 1;
    }),
    plant: message(Tree, () => undefined),
    odd: message(
      z.object({ when: z.coerce.date(), any: z.custom<string>(() => true), text: z.string().transform(Number) }),
      () => undefined,
    ),
  }),
  queries: (query) => ({ history: query(z.object({ of: z.string() }), () => 1) }),
});

const viewed = documentType({
  state: z.object({ viewedSecret: z.string() }),
  params: z.object({ lang: z.string().optional() }),
  shared: () => ({ seen: 1 }),
  init: () => ({ viewedSecret: "" }),
  messages: (message) => ({ nothing: message(() => undefined) }),
});

const refined = documentType({
  state: z
    .object({ open: z.number(), refinedSecret: z.number() })
    .describe("open is less than refinedSecret")
    .refine(() => true),
  hidden: ["refinedSecret"],
  init: () => ({ open: 0, refinedSecret: 0 }),
  messages: (message) => ({ nothing: message(() => undefined) }),
});

const app = resolveApp(defineApp({ documents: { game, viewed, refined } }));
const described = JSON.parse(JSON.stringify(apiDocument(app.types)));
const schemas = described.components.schemas;

/** Every text under `$ref`. */
function* references(value: Json): Generator<string> {
  if (typeof value !== "object" || value === null) return;
  for (const [key, item] of Object.entries(value)) {
    if (key === "$ref" && typeof item === "string") yield item;
    yield* references(item);
  }
}

describe("the description of the API", () => {
  it("[HTTP-14] is OpenAPI 3.1, and every reference in it leads somewhere", async () => {
    const validator = new Validator();
    expect(await validator.validate(described)).toMatchObject({ valid: true });
    expect(validator.version).toBe("3.1");
    for (const reference of references(described)) {
      const name = reference.replace("#/components/schemas/", "");
      expect(schemas).toHaveProperty([name]);
    }
  });

  it("[HTTP-14] has an operation for each message and query, with its input", () => {
    const at = (call: string) => described.paths[`/v1/docs/game/{key}/${call}`].post;
    expect(schemas["game.move"]).toMatchObject({ properties: { from: { type: "integer" } }, required: ["from"] });
    expect(at("move").requestBody.content["application/json"].schema).toEqual({
      $ref: "#/components/schemas/game.move",
    });
    expect(at("pass").requestBody).toBeUndefined();
    expect(at("history").requestBody.required).toBe(true);
    expect(described.paths["/v1/docs/game/{key}/history"].get.operationId).toBe("game.log");
    const ids = Object.values<Record<string, { operationId?: string }>>(described.paths).flatMap((path) =>
      Object.values(path).flatMap(({ operationId }) => operationId ?? []),
    );
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toEqual(
      expect.arrayContaining(["game.create", "viewed.nothing", "channels.publish", "batch", "whoami"]),
    );
  });

  it("[HTTP-14] describes what is recursive, and what has no schema as anything", () => {
    expect(schemas["game.plant"].properties.children.items).toEqual({ $ref: "#/components/schemas/game.plant" });
    expect(schemas["game.odd"].properties).toMatchObject({ when: {}, any: {}, text: { type: "string" } });
  });

  it("[HTTP-14] [R18] tells nothing of hidden parts, of what only they are made of, or of a state behind a view", () => {
    expect(Object.keys(schemas["game.state"].properties)).toEqual(["board", "turn", "again"]);
    expect(schemas["game.state"].required).toEqual(["board", "turn", "again"]);
    expect(schemas["refined.state"]).toEqual({ type: "object" });
    const text = JSON.stringify(described);
    for (const secret of ["deck", "secretField", "SecretThing", "viewedSecret", "refinedSecret"]) {
      expect(text).not.toContain(secret);
    }
    expect(text).toContain('"lang"');
  });

  it("[HTTP-14] [R18] whichever parts are hidden, their names are nowhere", () => {
    const part = fc.constantFrom("alpha_", "beta_", "gamma_", "delta_");
    fc.assert(
      fc.property(
        fc.uniqueArray(part, { minLength: 1 }),
        fc.uniqueArray(part),
        fc.boolean(),
        (parts, chosen, strict) => {
          const hidden = parts.filter((name) => chosen.includes(name));
          const shape = Object.fromEntries(parts.map((name) => [name, z.object({ [`of_${name}`]: Tree }).optional()]));
          const state = strict ? z.strictObject(shape) : z.object(shape);
          const type = documentType({
            state,
            init: () => ({}),
            messages: (message) => ({ nothing: message(() => undefined) }),
            ...(hidden.length === 0 ? {} : { hidden: hidden as never }),
          });
          const text = JSON.stringify(apiDocument(resolveApp(defineApp({ documents: { type } })).types));
          for (const name of parts) expect(text.includes(`of_${name}`)).toBe(!hidden.includes(name));
        },
      ),
    );
  });
});

describe("the page", () => {
  it("[HTTP-14] and the description come from here, under the policy of all pages", async () => {
    const http = await httpApp({ staticDir: undefined, ready: () => true, describedTypes: app.types });
    expect((await http.inject("/v1/openapi.json")).json()).toEqual(described);
    expect(await http.inject("/v1/docs-ui")).toMatchObject({ statusCode: 308, headers: { location: "/v1/docs-ui/" } });
    const { body, headers } = await http.inject("/v1/docs-ui/");
    expect(headers["content-security-policy"]).toContain("default-src 'self'");
    expect(headers["content-security-policy"]).not.toContain("unsafe");
    const needed = [...body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url = ""]) => url);
    expect(needed).toHaveLength(4);
    for (const url of needed) expect([url, (await http.inject(url)).statusCode]).toEqual([url, 200]);
    for (const file of ["index.html", "oauth2-redirect.html", "csp.json", "..%2fpackage.json", "../index.js"]) {
      expect([403, 404]).toContain((await http.inject(`/v1/docs-ui/static/${file}`)).statusCode);
    }
  });

  it("[HTTP-14] and the description are not there unless they are wanted", async () => {
    const http = await httpApp({ staticDir: undefined, ready: () => true });
    for (const url of ["/v1/openapi.json", "/v1/docs-ui/"]) expect((await http.inject(url)).statusCode).toBe(404);
  });
});
