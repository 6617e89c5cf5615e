// The rooms and who may import whom (ARCHITECTURE.md). Type imports count; cycles do not pass.
const rooms = [
  "runtime",
  "document",
  "storage",
  "session",
  "transport",
  "http",
  "auth",
  "cluster",
  "observability",
  "config",
  "cli",
];

const mayImport = {
  runtime: [],
  document: ["runtime"],
  // Of auth only the port.
  storage: ["runtime", "document", "auth"],
  session: ["runtime", "document"],
  auth: ["runtime", "document", "session"],
  cluster: ["runtime", "document", "session"],
  observability: ["runtime"],
  config: ["runtime", "document"],
  transport: ["runtime", "document", "session"],
  http: ["runtime", "document", "session", "auth", "observability"],
};

const roomRules = Object.entries(mayImport).map(([room, allowed]) => ({
  name: `room-${room}`,
  severity: "error",
  comment: `src/${room} may import ${allowed.join(", ") || "no other room"} and the protocol.`,
  from: { path: `^src/${room}/` },
  to: { path: "^src/", pathNot: `^src/(${[room, ...allowed].join("|")})/` },
}));

const only = (name, packages, allowed) => ({
  name: `only-${name}`,
  severity: "error",
  comment: `${packages} appears only in ${allowed}.`,
  from: { path: "^(src|clients|protocol)/", pathNot: allowed },
  to: { path: `node_modules/(${packages})/` },
});

module.exports = {
  forbidden: [
    { name: "no-circular", severity: "error", from: {}, to: { circular: true } },
    { name: "no-orphans", severity: "error", from: { orphan: true, pathNot: "index\\.ts$" }, to: {} },
    {
      name: "known-rooms",
      severity: "error",
      comment: "A new room is a decision: add it to ARCHITECTURE.md and to this file.",
      from: { path: "^src/[^/]+/", pathNot: `^src/(${rooms.join("|")})/` },
      to: {},
    },
    ...roomRules,
    {
      name: "protocol-stands-alone",
      severity: "error",
      from: { path: "^protocol/" },
      to: { path: "^(src|clients)/" },
    },
    { name: "client-needs-protocol-only", severity: "error", from: { path: "^clients/" }, to: { path: "^src/" } },
    {
      name: "server-never-imports-client",
      severity: "error",
      comment: "Only the command line is a client of its own server.",
      from: { path: "^src/", pathNot: "^src/cli/" },
      to: { path: "^clients/" },
    },
    only("ws", "ws", "^(src/transport/|clients/typescript/src/platform/)"),
    only("sqlite", "better-sqlite3", "^src/storage/sqlite/"),
    only("fastify", "fastify|@fastify", "^src/http/"),
    only("jose", "jose", "^src/auth/"),
    only("pino", "pino|prom-client", "^src/observability/"),
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["source", "import", "types", "default"] },
  },
};
