import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import {
  certificateFiles,
  temporaryFolder,
  TestAuthority,
  type CertificateFiles,
  type Issued,
} from "../support/certificates.ts";
import type { Evenkeel } from "../support/evenkeel.ts";
import type { Echo } from "../support/node-origin.ts";
import { run } from "../support/openssl.ts";
import { startNodeOrigin } from "../support/origins.ts";
import { startProxy } from "../support/proxy.ts";

let folder: string;
let web: CertificateFiles;
let alice: Issued;
let files: Record<"alice" | "bob" | "mallory", CertificateFiles>;
let settings: { ca: string[]; crl: string[] };
beforeAll(async () => {
  folder = temporaryFolder();
  const servers = await TestAuthority.create("Servers");
  const clients = await TestAuthority.create("Clients");
  const strangers = await TestAuthority.create("Strangers");
  web = certificateFiles(await servers.issue({ names: ["example.test"] }), folder, "web");
  alice = await clients.issue({ subject: "alice, O=Sales", client: true });
  const bob = await clients.issue({ subject: "bob", client: true });
  const mallory = await strangers.issue({ subject: "alice, O=Sales", client: true });
  files = {
    alice: certificateFiles(alice, folder, "alice"),
    bob: certificateFiles(bob, folder, "bob"),
    mallory: certificateFiles(mallory, folder, "mallory"),
  };
  const crl = join(folder, "clients.crl");
  writeFileSync(crl, await clients.crl([bob.serial]));
  settings = { ca: [files.alice.ca], crl: [crl] };
});

async function start(clientCertificates: object): Promise<Evenkeel> {
  const origin = await startNodeOrigin();
  const certificates = [{ cert: web.cert, key: web.key }];
  return startProxy([origin.address], {
    listener: { tls: { certificates, clientCertificates: { ...settings, ...clientCertificates } } },
  });
}

/** One request by curl, with a certificate or without; rejects when the connection fails. */
async function request(evenkeel: Evenkeel, client: CertificateFiles | null, ...args: string[]): Promise<Echo> {
  const certificate = client === null ? [] : ["--cert", client.cert, "--key", client.key];
  const resolve = ["--connect-to", `::127.0.0.1:${evenkeel.port()}`, "--cacert", web.ca];
  const { code, output } = await run("curl", [
    "-sS",
    ...resolve,
    ...certificate,
    ...args,
    `https://example.test:${evenkeel.port()}/`,
  ]);
  if (code !== 0) throw new Error(output);
  return JSON.parse(output) as Echo;
}

describe.each([["--http1.1"], ["--http2"], ["--tls-max", "1.2"]])("client certificates with curl %s", (...version) => {
  it("are required, and their subject goes on where nobody can forge it", async () => {
    const evenkeel = await start({});
    const forged = [
      "-H",
      "X-Client-Cert-Subject: CN=root",
      "-H",
      "x_client_cert_subject: CN=root",
      "-H",
      "Client-Cert: :AAAA:",
    ];
    const { headers, rawHeaders } = await request(evenkeel, files.alice, ...version, ...forged);
    expect(headers).toMatchObject({
      "x-client-cert-subject": "O=Sales,CN=alice",
      "x-client-cert-issuer": "O=Evenkeel Tests,CN=Clients",
      "x-client-cert-serial": alice.serial,
      "client-cert": `:${Buffer.from(alice.x509.rawData).toString("base64")}:`,
    });
    expect(rawHeaders.join("\n")).not.toMatch(/root|AAAA:/);
    await expect(request(evenkeel, null, ...version)).rejects.toThrow();
    await expect(request(evenkeel, files.bob, ...version)).rejects.toThrow();
    await expect(request(evenkeel, files.mallory, ...version)).rejects.toThrow();
  });

  it("may be missing when they are only asked for, and then nothing is said of them", async () => {
    const evenkeel = await start({ mode: "request" });
    const { headers } = await request(evenkeel, null, ...version, "-H", "X-Client-Cert-Subject: CN=root");
    expect(Object.keys(headers).filter((name) => name.includes("cert"))).toEqual([]);
    expect((await request(evenkeel, files.alice, ...version)).headers["x-client-cert-subject"]).toBe(
      "O=Sales,CN=alice",
    );
    await expect(request(evenkeel, files.bob, ...version)).rejects.toThrow();
  });
});
