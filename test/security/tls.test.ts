// TLS on a real server process: what is shown, how it is replaced while sockets stay open, and which files are refused.
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type TLSSocket } from "node:tls";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { WebSocket } from "ws";
import { type MadeCertificate, makeCertificate, writeCertificate } from "../support/certificates.js";
import { type ServerProcess, startServerProcess } from "../support/server-process.js";

const APP = fileURLToPath(new URL("./apps/ledger.ts", import.meta.url));
const BIN = fileURLToPath(new URL("../../bin/tidemark.mjs", import.meta.url));
const SOON = { timeout: 15_000, interval: 50 };

let folder: string;
let files: MadeCertificate;
let first: MadeCertificate;
let server: ServerProcess;
const sockets: WebSocket[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tidemark-tls-"));
  first = await makeCertificate();
  files = writeCertificate(folder, first);
  server = await startServerProcess({
    app: APP,
    data: join(folder, "a.db"),
    args: ["--tls-cert", files.cert, "--tls-key", files.key],
  });
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.terminate();
});
afterAll(async () => {
  await server.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

/** The certificate that a new client is shown. */
async function shown(): Promise<string> {
  const socket: TLSSocket = connect({
    port: Number(new URL(server.url).port),
    host: "127.0.0.1",
    rejectUnauthorized: false,
  });
  await once(socket, "secureConnect");
  const { raw } = socket.getPeerCertificate();
  socket.destroy();
  return raw.toString("base64");
}

const bodyOf = ({ cert }: MadeCertificate): string => cert.replace(/-----[A-Z ]+-----|\s/g, "");

/** Somebody who is in. */
async function client(ca: string, origin?: string): Promise<{ socket: WebSocket; heard: string[] }> {
  const url = `${server.url.replace("https", "wss")}/v1/socket`;
  const socket = new WebSocket(url, "tidemark.v1.json", { ca, ...(origin === undefined ? {} : { origin }) });
  sockets.push(socket);
  const heard: string[] = [];
  socket.on("message", (frame) => heard.push(String(frame)));
  await once(socket, "open");
  const hello = { v: 1, token: "user:ann", client: "0".repeat(31) + sockets.length, conn: 1, sdk: "test/1", caps: [] };
  socket.send(JSON.stringify([["hello", hello]]));
  await vi.waitFor(() => expect(heard.join("")).toContain('"welcome"'), SOON);
  return { socket, heard };
}

function ask(
  path: string,
  headers: Record<string, string>,
): Promise<{ status: number; headers: NodeJS.Dict<unknown> }> {
  return new Promise((resolve, reject) => {
    const asked = request(
      `${server.url}${path}`,
      { ca: first.cert, servername: "localhost", headers, agent: false },
      (answer) => {
        answer.resume();
        answer.once("end", () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers }));
      },
    );
    asked.once("error", reject).end();
  });
}

describe("[S33] a server with TLS", () => {
  it("[TLS-1] speaks to clients that check it, over sockets and HTTP, and says https", async () => {
    expect(server.url).toMatch(/^https:/);
    const { socket, heard } = await client(first.cert);
    socket.send('[["ping",7,[]]]');
    await vi.waitFor(() => expect(heard.join("")).toContain('["pong",7'), SOON);
    expect((await ask("/v1/whoami", { authorization: "Bearer user:ann" })).status).toBe(200);
  });

  it("[TLS-1] speaks no TLS older than 1.2", async () => {
    const old = connect({
      port: Number(new URL(server.url).port),
      host: "127.0.0.1",
      rejectUnauthorized: false,
      minVersion: "TLSv1",
      maxVersion: "TLSv1.1",
      ciphers: "DEFAULT@SECLEVEL=0",
    });
    const [error] = await once(old, "error");
    expect(String(error)).toMatch(/version/i);
  });

  it("[TLS-1] answers nothing in the clear, and goes on", async () => {
    const plain = createConnection(Number(new URL(server.url).port), "127.0.0.1");
    plain.write("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    plain.on("error", () => undefined);
    let said = "";
    plain.on("data", (bytes) => {
      said += bytes.toString("latin1");
    });
    await once(plain, "close");
    expect(said).not.toContain("HTTP/");
    expect((await ask("/healthz", {})).status).toBe(200);
  });

  it("[TLS-2] tells browsers to come by TLS only, but of the names that every machine has", async () => {
    expect((await ask("/healthz", { host: "tide.example" })).headers["strict-transport-security"]).toMatch(
      /max-age=\d{8}/,
    );
    expect((await ask("/healthz", { host: "localhost:8787" })).headers["strict-transport-security"]).toBeUndefined();
  });

  it("[PROXY-2] lets no page in that came in the clear", async () => {
    const own = new URL(server.url).host;
    await client(first.cert, `https://${own}`);
    await expect(client(first.cert, `http://${own}`)).rejects.toThrow("403");
  });

  it("[TLS-3] shows a new certificate to those who come, without dropping who is there", async () => {
    const before = await client(first.cert);
    const second = await makeCertificate();
    writeCertificate(folder, second);
    server.process.kill("SIGHUP");
    await vi.waitFor(async () => expect(await shown()).toBe(bodyOf(second)), SOON);
    before.socket.send('[["ping",8,[]]]');
    await vi.waitFor(() => expect(before.heard.join("")).toContain('["pong",8'), SOON);
    await client(second.cert);
    writeCertificate(folder, first);
    await vi.waitFor(async () => expect(await shown()).toBe(bodyOf(first)), SOON);
  });

  it("[TLS-3] keeps what it shows when the files are broken, and says so once", async () => {
    const { key } = await makeCertificate();
    writeFileSync(files.key, key);
    await lookedAt(() => expect(linesSaying("is not the key of")).toBe(1));
    expect(await shown()).toBe(bodyOf(first));
    writeFileSync(files.key, "");
    await lookedAt(() => expect(linesSaying("holds no usable private key")).toBe(1));
    writeCertificate(folder, first);
    expect(linesSaying("is not the key of")).toBe(1);
    await client(first.cert);
  });

  /** Told to look until it has seen what it must. */
  const lookedAt = (seen: () => void): Promise<void> =>
    vi.waitFor(() => {
      server.process.kill("SIGHUP");
      seen();
    }, SOON);
  const linesSaying = (text: string): number =>
    server
      .stderr()
      .split("\n")
      .filter((line) => line.includes(text)).length;
});

describe("[S34] a server refuses to start with", () => {
  const refused: readonly (readonly [
    what: string,
    code: number,
    says: RegExp,
    files: () => Promise<readonly string[]>,
  ])[] = [
    [
      "a certificate that is not there",
      1,
      /nowhere\.pem cannot be read \(ENOENT\)/,
      async () => ["nowhere.pem", "key.pem"],
    ],
    [
      "a key that is no key",
      1,
      /holds no usable private key/,
      async () => [write("c1", (await some()).cert), write("k1", "?")],
    ],
    [
      "a certificate that is none",
      1,
      /holds no certificate/,
      async () => [write("c2", "?"), write("k2", (await some()).key)],
    ],
    [
      "a key of another certificate",
      1,
      /is not the key of/,
      async () => [write("c3", (await some()).cert), write("k3", (await some()).key)],
    ],
    ["a certificate that expired", 1, /expired on/, () => both("old", { from: -9, until: -1 })],
    ["a certificate that is not valid yet", 1, /is not valid before/, () => both("new", { from: 1, until: 9 })],
  ];
  const some = (): Promise<MadeCertificate> => makeCertificate();
  const write = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const both = async (name: string, days: { from: number; until: number }): Promise<readonly string[]> => {
    const { cert, key } = await makeCertificate(days);
    return [write(`${name}-cert`, cert), write(`${name}-key`, key)];
  };

  it.each(refused)("[TLS-4] %s", async (_what, code, says, made) => {
    const [cert = "", key = ""] = await made();
    const { exitCode, stderr } = await start(["--tls-cert", cert, "--tls-key", key]);
    expect(stderr).toMatch(says);
    expect(exitCode).toBe(code);
    // A key is never shown, whatever is said of it.
    if (key !== "key.pem") expect(stderr).not.toContain(readFileSync(key, "utf8").split("\n")[1] || "-----");
  });

  it("[TLS-4] a certificate alone", async () => {
    const { exitCode, stderr } = await start(["--tls-cert", files.cert]);
    expect(stderr).toContain("--tls-cert without --tls-key");
    expect(exitCode).toBe(2);
  });

  it("[SAFE-1] an address of all, in the clear, and says what to do", async () => {
    const { exitCode, stderr } = await start(["--host", "0.0.0.0"]);
    expect(stderr).toContain("tokens would cross the network in the clear");
    expect(stderr).toContain("--allow-unsafe plain-http");
    expect(exitCode).toBe(1);
  });
});

function start(args: readonly string[]): Promise<{ exitCode: number | null; stderr: string }> {
  return new Promise((resolve) => {
    const argv = [BIN, "serve", APP, "--port", "0", "--data", join(folder, "refused.db"), ...args];
    const child = execFile(process.execPath, argv, (_error, _stdout, stderr) => {
      resolve({ exitCode: child.exitCode, stderr });
    });
  });
}
