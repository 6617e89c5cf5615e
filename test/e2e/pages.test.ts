// The commands of pages, typed into a shell, print what stands below them.
import { cpSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { expectPageToHold } from "../docs/typed-page.js";
import { ROOT, Workplace } from "./cli/command-line.js";

const APP = "examples/mine/app.ts";

/**
 * `npx tidemark` is the one of this clone. A server is started in the place of the one before, at any port, and a new key
 * is given once a server that runs knows it. An example listens at any port too, in place of 3000.
 */
const SHELL = `
server=
example=
end() { [ -z "$1" ] || { kill $1; wait $1 || :; }; }
stop() { end "$server"; server=; }
trap 'end "$example"; stop' EXIT
curl() { command curl "\${@/127.0.0.1:3000/\${EXAMPLE-}}"; }
npx() {
  if [ "$1" = tsx ]; then
    (cd "$ROOT" && PORT=0 exec node --import tsx "$2") > example.log & example=$!
    until grep -q 'http://' example.log; do kill -0 $example; sleep 0.05; done
    EXAMPLE=$(grep -o '[0-9.]*:[0-9]*;' example.log | tr -d ';')
    return
  fi
  shift
  case "$1 \${2-}" in
  "serve "*)
    stop
    : > serve.log
    node "$ROOT/bin/tidemark.mjs" "$@" --port 0 >> serve.log 2>&1 & server=$!
    until grep -q 'http://' serve.log; do kill -0 $server; sleep 0.05; done
    export TIDEMARK_URL=$(grep -o 'http://[0-9.:]*' serve.log | head -1) ;;
  "key create" | "key rotate")
    key=$(node "$ROOT/bin/tidemark.mjs" "$@" 2> said.txt)
    [ -z "$server" ] || until curl -sf -o /dev/null -H "Authorization: Bearer $key" "$TIDEMARK_URL/v1/docs/todo/home"; do sleep 0.1; done
    echo "$key"; cat said.txt >&2 ;;
  *) node "$ROOT/bin/tidemark.mjs" "$@" ;;
  esac
}
exec 2>&1
`;

let place: Workplace;

beforeEach(() => {
  place = new Workplace();
});
afterEach(() => place.close());

it("docs/HTTP.md works as typed", async () => {
  const server = place.start(["dev", join(ROOT, APP), "--port", "0", "--no-watch"]);
  const [url = ""] = await server.said(/http:\/\/[\d.:]+/);
  expect(expectPageToHold("docs/HTTP.md", { url })).toBeGreaterThan(10);
});

it("docs/AUTH.md works as typed", () => {
  mkdirSync(place.path("examples/mine"), { recursive: true });
  cpSync(join(ROOT, APP), place.path(APP));
  const typing = { url: "$TIDEMARK_URL", prelude: SHELL, folder: place.folder, env: { ROOT } };
  expect(expectPageToHold("docs/AUTH.md", typing)).toBeGreaterThan(7);
});

it("docs/SERVERS.md works as typed", () => {
  const typing = { url: "$TIDEMARK_URL", prelude: SHELL, folder: place.folder, env: { ROOT } };
  expect(expectPageToHold("docs/SERVERS.md", typing)).toBe(6);
});

it("README.md works as typed, where it is beside servers that are there", () => {
  const typing = { url: "$TIDEMARK_URL", prelude: SHELL, folder: place.folder, env: { ROOT } };
  expect(expectPageToHold("README.md", typing)).toBe(3);
  const [, section = ""] =
    /^## Beside servers.*\n([\s\S]*?)^## /m.exec(readFileSync(join(ROOT, "README.md"), "utf8")) ?? [];
  expect(section.trim().split("\n").length).toBeLessThanOrEqual(30);
});
