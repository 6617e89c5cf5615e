// The description of the API at /v1/openapi.json, and a page to try it at /v1/docs-ui/ (Swagger UI, from this server, with
// nothing from outside). Both are for everybody who reaches the server: they say what may be asked, never of whom.
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import fastifyStatic from "@fastify/static";
import type { FastifyInstance } from "fastify";
import type { ResolvedType } from "../document/definition/resolved-type.js";
import { apiDocument } from "./openapi/api-document.js";

const DESCRIPTION = "/v1/openapi.json";
const PAGE = "/v1/docs-ui";
const FILES: ReadonlySet<string> = new Set(["/swagger-ui.css", "/swagger-ui-bundle.js", "/favicon-32x32.png"]);
/** The page's own script stands apart from it: the policy of all pages here allows no script within one. */
const SCRIPT = `SwaggerUIBundle({ url: "${DESCRIPTION}", dom_id: "#page", deepLinking: true, validatorUrl: null });\n`;
const HTML = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Tidemark API</title>
<link rel="stylesheet" href="${PAGE}/static/swagger-ui.css">
<link rel="icon" href="${PAGE}/static/favicon-32x32.png">
</head>
<body>
<div id="page"></div>
<script src="${PAGE}/static/swagger-ui-bundle.js"></script>
<script src="${PAGE}/start.js"></script>
</body>
</html>
`;

/** Adds them to an app. */
export function addApiDocs(app: FastifyInstance, types: ReadonlyMap<string, ResolvedType>): void {
  let description: string | undefined;
  app.get(DESCRIPTION, (_request, reply) => {
    description ??= JSON.stringify(apiDocument(types));
    return reply.header("Cache-Control", "no-cache").type("application/json; charset=utf-8").send(description);
  });
  app.get(PAGE, (_request, reply) => reply.redirect(`${PAGE}/`, 308));
  app.get(`${PAGE}/`, (_request, reply) => reply.type("text/html; charset=utf-8").send(HTML));
  app.get(`${PAGE}/start.js`, (_request, reply) => reply.type("text/javascript; charset=utf-8").send(SCRIPT));
  app.register(fastifyStatic, {
    root: swaggerFolder(),
    prefix: `${PAGE}/static/`,
    decorateReply: false,
    index: false,
    allowedPath: (path) => FILES.has(path),
  });
}

/** The files that fastify's own plugin for that page carries with it. */
const swaggerFolder = (): string =>
  dirname(fileURLToPath(import.meta.resolve("@fastify/swagger-ui/static/swagger-ui.css")));
