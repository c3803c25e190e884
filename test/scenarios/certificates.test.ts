import { execFile, execFileSync } from "node:child_process";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { TestResponder } from "../../src/controlplane/certificates/ocsp/responder.fixture.ts";
import { certificateFiles, TestAuthority, temporaryFolder, type Issued } from "../support/certificates.ts";
import { atEnd } from "../support/cleanup.ts";
import { runEvenkeel, spawnEvenkeel, startCommand, startEvenkeel, type Evenkeel } from "../support/evenkeel.ts";
import { HttpsLoad, shownSerial } from "../support/https-load.ts";
import { startNodeOrigin } from "../support/origins.ts";
import { missing, tool } from "../support/tools.ts";
import { waitFor } from "../support/wait.ts";

let root: TestAuthority;
let one: Issued;
let two: Issued;
let folder: string;
beforeAll(async () => {
  root = await TestAuthority.create();
  one = await root.issue({ names: ["a.test", "127.0.0.1"] });
  two = await root.issue({ names: ["a.test", "127.0.0.1"] });
});
beforeEach(() => {
  folder = temporaryFolder();
  certificateFiles(one, folder, "web");
});

const file = (name: string) => join(folder, name);

function config(tls: object = {}): Record<string, unknown> {
  const certificates = [{ cert: file("web.crt"), key: file("web.key") }];
  const routes = [{ respond: { status: 200, body: "ok" } }];
  return {
    workers: 2,
    certificateStore: file("store"),
    listeners: { web: { listen: "127.0.0.1:0", tls: { certificates, ...tls }, routes } },
  };
}

const serial = (issued: Issued) => issued.serial.toLowerCase();

/** Waits until a client that asks for the name is shown this certificate. */
async function waitForShown(evenkeel: Evenkeel, issued: Issued, name = "a.test"): Promise<void> {
  await waitFor("the certificate", async () => (await shownSerial(evenkeel.port(), name)) === serial(issued), 2_000);
}

async function rest(evenkeel: Evenkeel, method: string, path: string, body?: object) {
  const response = await fetch(`${evenkeel.url("admin")}/api/v2/certificates${path}`, {
    method,
    ...(body && { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const pem = ({ chain, key }: Issued) => ({ cert: chain, key });

describe("certificates that are replaced on disk", () => {
  it("are shown within two seconds, and no client notices", async () => {
    const evenkeel = await startEvenkeel({ config: config() });
    const load = new HttpsLoad(evenkeel.port(), root.pem);
    await waitFor("the load", () => load.served > 20);
    const ways: ((issued: Issued) => void)[] = [
      (issued) => certificateFiles(issued, folder, "web"),
      (issued) => {
        const files = certificateFiles(issued, folder, "new");
        renameSync(files.key, file("web.key"));
        renameSync(files.cert, file("web.crt"));
      },
    ];
    for (const [round, issued] of [two, one, two, one].entries()) {
      ways[round % 2]!(issued);
      await waitForShown(evenkeel, issued);
      const before = load.served;
      await waitFor("more requests", () => load.served > before + 20);
    }
    // The key comes a while after the certificate: in between the old pair is shown.
    writeFileSync(file("web.crt"), two.chain);
    await waitFor("the mismatch to be seen", async () => {
      const { body } = await rest(evenkeel, "GET", "");
      return (body["problems"] as string[]).length > 0;
    });
    expect(await shownSerial(evenkeel.port(), "a.test")).toBe(serial(one));
    writeFileSync(file("web.key"), two.key);
    await waitForShown(evenkeel, two);
    await load.stop();
    expect(load.failures).toEqual({});
    expect(load.kept).toBe(2);
    const url = `https://127.0.0.1:${evenkeel.port()}/`;
    const curl = await promisify(execFile)(tool("curl"), ["-sS", "--cacert", file("web-ca.crt"), url]);
    expect(curl.stdout).toBe("ok");
    expect(evenkeel.log.filter((line) => / error /.test(line))).toEqual([]);
    expect(evenkeel.log.filter((line) => /certificate file:.*: replaced/.test(line)).length).toBe(5);
  });

  it("by bad ones leave the old one in use, which is said everywhere", async () => {
    const evenkeel = await startEvenkeel({ config: config() });
    writeFileSync(file("web.crt"), "nonsense");
    await evenkeel.waitForLog(/error certificate file:.*unusable \(.*web\.crt: there is no certificate in it/);
    expect(await shownSerial(evenkeel.port())).toBe(serial(one));
    const { body } = await rest(evenkeel, "GET", `/${encodeURIComponent(`file:${file("web.crt")}`)}`);
    expect(body).toMatchObject({ status: "invalid", reason: expect.stringContaining("there is no certificate in it") });
    const { events } = (await evenkeel.admin("/api/v2/events")) as { events: object[] };
    expect(events).toMatchObject([{ certificate: `file:${file("web.crt")}`, what: "certificate_unusable" }]);
    // A configuration that names the file is as bad as it; the one in use stays.
    evenkeel.writeConfig({ ...config(), drainTimeout: "1s" });
    evenkeel.signal("SIGHUP");
    await evenkeel.waitForLog(/kept the old configuration/);
    expect(await shownSerial(evenkeel.port())).toBe(serial(one));
    certificateFiles(two, folder, "web");
    await waitForShown(evenkeel, two);
    const metrics = await (await fetch(`${evenkeel.url("admin")}/metrics`)).text();
    expect(metrics).toMatch(/^evenkeel_certificate_info\{.*status="ok".*\} 1$/m);
  });
});

describe("files that cannot be used", () => {
  it.each([
    ["are missing", () => renameSync(file("web.key"), file("away")), /web\.key cannot be read: there is no such file/],
    ["do not fit", () => writeFileSync(file("web.key"), two.key), /the private key does not belong to the certificate/],
  ])("keep the program from starting when they %s", async (_how, spoil, reason) => {
    spoil();
    const failing = spawnEvenkeel({ config: config() });
    expect(await failing.exited).toBe(78);
    const place = /^.*evenkeel\.json:\d+:\d+: listeners\.web\.tls\.certificates\[0\]\.key: /;
    expect(failing.log.find((line) => place.test(line))).toMatch(reason);
    writeFileSync(file("evenkeel.json"), JSON.stringify(config()));
    const check = await runEvenkeel(["check"], { cwd: folder });
    expect([check.code, check.stderr]).toEqual([78, expect.stringMatching(reason)]);
  });
});

describe("certificates over REST", () => {
  it("are shown as soon as the answer says so, survive a restart, and go again, and no client notices", async () => {
    const shop = await root.issue({ names: ["shop.test"], keyType: "rsa" });
    const other = await root.issue({ names: ["shop.test"] });
    const evenkeel = await startEvenkeel({ config: config() });
    const load = new HttpsLoad(evenkeel.port(), root.pem);
    expect(await shownSerial(evenkeel.port(), "shop.test")).toBe(serial(one));
    for (const [issued, status] of [[shop, 201] as const, [other, 200] as const, [shop, 200] as const]) {
      expect(await rest(evenkeel, "PUT", "/shop", pem(issued))).toMatchObject({ status, body: { id: "rest:shop" } });
      // Every worker has it.
      for (let i = 0; i < 8; i++) expect(await shownSerial(evenkeel.port(), "shop.test")).toBe(serial(issued));
    }
    expect(await rest(evenkeel, "PUT", "/shop", { cert: shop.chain, key: other.key })).toMatchObject({ status: 422 });
    expect(await shownSerial(evenkeel.port(), "shop.test")).toBe(serial(shop));
    await load.stop();
    expect(load.failures).toEqual({});

    evenkeel.signal("SIGTERM");
    await evenkeel.exited;
    writeFileSync(join(file("store"), "rest_bad.json"), "{");
    const again = await startEvenkeel({ config: config() });
    expect(await shownSerial(again.port(), "shop.test")).toBe(serial(shop));
    expect(again.log.join("\n")).toContain("rest_bad.json cannot be read: it is damaged");
    expect(await rest(again, "DELETE", "/shop")).toMatchObject({ status: 200 });
    for (let i = 0; i < 8; i++) expect(await shownSerial(again.port(), "shop.test")).toBe(serial(one));
  });

  it("are managed by the command line", async () => {
    certificateFiles(two, folder, "two");
    const evenkeel = await startEvenkeel({ config: config() });
    const env = { EVENKEEL_ADMIN: evenkeel.url("admin") };
    const run = (...args: string[]) => runEvenkeel(["certificates", ...args], { env, cwd: folder });
    const added = await run("add", "shop", "--cert", "two.crt", "--key", "two.key");
    expect(added).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^rest:shop: a\.test, 127\.0\.0\.1, until 20/),
    });
    const list = await run();
    expect(list.stdout).toMatch(/^ID +NAMES +KEY +UNTIL +LISTENERS +STATUS +WHY$/m);
    expect(list.stdout).toMatch(/^rest:shop +a\.test,127\.0\.0\.1 +ECDSA P-256 +20\S+ +web +ok$/m);
    const json = JSON.parse((await run("list", "--json")).stdout) as { certificates: object[] };
    expect(json.certificates.length).toBe(2);
    expect(await run("remove", "shop")).toMatchObject({ code: 0, stdout: "rest:shop is removed\n" });
    expect(await run("remove", "shop")).toMatchObject({ code: 1, stderr: expect.stringContaining("404") });
    expect(await run("add", "shop", "--cert", "two.crt", "--key", "web.key")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("the private key does not belong to the certificate"),
    });
    expect(await run("add", "shop", "--cert", "none", "--key", "web.key")).toMatchObject({ code: 64 });
  });
});

describe("private keys", () => {
  it("are in no answer, log line, difference or error", async () => {
    const evenkeel = await startEvenkeel({ config: config(), args: ["--verbose"] });
    const said: unknown[] = [];
    said.push(await rest(evenkeel, "PUT", "/x", pem(two)));
    said.push(await rest(evenkeel, "PUT", "/y", { cert: one.chain, key: two.key }));
    certificateFiles(two, folder, "web");
    await waitForShown(evenkeel, two);
    writeFileSync(file("web.crt"), two.key);
    writeFileSync(file("web.key"), one.key.slice(0, 120));
    await evenkeel.waitForLog(/unusable/);
    certificateFiles(two, folder, "web");
    evenkeel.writeConfig(config({ minVersion: "TLSv1.3" }));
    evenkeel.signal("SIGHUP");
    await evenkeel.waitForLog(/minVersion/);
    for (const path of ["config", "certificates", "events", "status", "listeners"]) {
      said.push(await evenkeel.admin(`/api/v2/${path}`));
    }
    said.push(await (await fetch(`${evenkeel.url("admin")}/metrics`)).text(), evenkeel.log);
    const everything = JSON.stringify(said);
    expect(everything).toContain("certificate_replaced");
    for (const { key } of [one, two]) {
      for (const line of key.split("\n").filter((text) => text !== "" && !text.startsWith("-----"))) {
        expect(everything.includes(line.slice(0, 16))).toBe(false);
      }
    }
  });
});

describe.skipIf(missing("openssl", "stapled OCSP responses"))("OCSP", () => {
  it("responses are fetched from the issuer and stapled", async () => {
    const responder = await TestResponder.of(root);
    let issued: Issued;
    const server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on("data", (part: Buffer) => parts.push(part));
      request.on("end", () => response.end(responder.answer(Buffer.concat(parts), issued)));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    atEnd(() => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))));
    issued = await root.issue({
      names: ["a.test"],
      ocsp: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    });
    certificateFiles(issued, folder, "web");
    // The issuer has to be known: here it is the root, which is not sent.
    writeFileSync(file("web.crt"), issued.chain + root.pem);
    const evenkeel = await startEvenkeel({ config: config() });
    await waitFor("the response", async () => {
      const { body } = await rest(evenkeel, "GET", "");
      const [{ ocsp }] = body["certificates"] as [{ ocsp: { state: string } }];
      return ocsp.state === "good";
    });
    const connect = ["s_client", "-connect", `127.0.0.1:${evenkeel.port()}`, "-servername", "a.test", "-status"];
    const said = execFileSync("openssl", connect, { input: "", encoding: "utf8", stdio: ["pipe", "pipe", "ignore"] });
    expect(said).toContain("OCSP Response Status: successful");
    expect(said).toContain("Cert Status: good");
    expect(said.match(/BEGIN CERTIFICATE/g)?.length).toBe(1);
  });
});

it("proxy takes a certificate without a file", async () => {
  const origin = await startNodeOrigin("one");
  const tls = ["--tls-cert", file("web.crt"), "--tls-key", file("web.key")];
  const listen = ["--listen", "127.0.0.1:0", "--server", origin.address, "--admin", "off", "--workers", "1"];
  const evenkeel = await startCommand(["proxy", ...listen, ...tls]);
  expect(evenkeel.url()).toMatch(/^https:/);
  const ca = join(folder, "web-ca.crt");
  const curl = await promisify(execFile)(tool("curl"), [
    "-sS",
    "-o",
    "/dev/null",
    "-w",
    "%{http_code}",
    "--cacert",
    ca,
    evenkeel.url(),
  ]);
  expect(curl.stdout).toBe("200");
  expect(readFileSync(ca, "utf8")).toBe(root.pem);
  const half = await runEvenkeel(["proxy", ...listen, ...tls.slice(2)]);
  expect([half.code, half.stderr]).toEqual([64, expect.stringContaining("only possible together")]);
  const wrong = await runEvenkeel(["proxy", ...listen, "--tls-cert", file("none"), ...tls.slice(2)]);
  expect([wrong.code, wrong.stderr]).toEqual([64, expect.stringContaining("--tls-cert: ")]);
});
