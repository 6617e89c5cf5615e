import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { SDK, VERSION } from "../../../clients/typescript/src/version.js";

test("hello names the version of the package", () => {
  const { version } = JSON.parse(readFileSync("clients/typescript/package.json", "utf8"));
  expect([VERSION, SDK]).toEqual([version, `typescript/${version}`]);
});
