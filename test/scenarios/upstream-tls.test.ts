import { createServer as createHttps } from "node:https";
import { createServer as createPlain } from "node:http";
import type { AddressInfo } from "node:net";
import { createSecureContext, type SecureContextOptions, type TlsOptions, type TLSSocket } from "node:tls";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { certificateFiles, DAY, temporaryFolder, TestAuthority, type Issued } from "../support/certificates.ts";
import { atEnd } from "../support/cleanup.ts";
import { startHttp2Origin } from "../support/http2-origin.ts";
import { startNginx, type Origin } from "../support/origins.ts";
import { serverCounters, startProxy } from "../support/proxy.ts";
import { exchange } from "../support/raw-client.ts";
import { missing } from "../support/tools.ts";
import { waitFor } from "../support/wait.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
let authority: TestAuthority;
let stranger: TestAuthority;
let caFile: string;

beforeAll(async () => {
  authority = await TestAuthority.create();
  stranger = await TestAuthority.create("Nobody knows it");
  caFile = certificateFiles(await authority.issue({ names: ["x.test"] })).ca;
});

interface TlsOrigin extends Origin {
  /** Server names that were asked for, in order; false for none. */
  readonly asked: (string | false)[];
  /** Common names of the certificates that clients showed. */
  readonly subjects: string[];
  requests: number;
  /** Connections that were made, encrypted ones only. */
  connections: number;
  setSecureContext(options: SecureContextOptions): void;
}

/** An HTTP/1.1 server with TLS that answers "ok". */
async function startTlsOrigin(issued: Issued, options: TlsOptions = {}): Promise<TlsOrigin> {
  const own = { cert: issued.chain, key: issued.key };
  const origin = { asked: [] as (string | false)[], subjects: [] as string[], requests: 0, connections: 0 };
  const server = createHttps({ ...own, ...options }, (request, response) => {
    origin.requests++;
    const socket = request.socket as TLSSocket;
    origin.asked.push(socket.servername || false);
    const { subject } = socket.getPeerCertificate();
    if (subject !== undefined) origin.subjects.push(String(subject.CN));
    response.end("ok");
  });
  server.on("secureConnection", () => origin.connections++);
  server.on("tlsClientError", () => undefined);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  atEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return Object.assign(origin, {
    port,
    address: `127.0.0.1:${port}`,
    setSecureContext: (context: SecureContextOptions) => server.setSecureContext(context),
  });
}

describe("TLS to servers", () => {
  it("encrypts HTTP/1.1, keeps connections and resumes sessions", async () => {
    const origin = await startTlsOrigin(await authority.issue({ names: ["127.0.0.1"] }));
    const evenkeel = await startProxy([origin.address], { upstream: { tls: { ca: [caFile] } } });
    for (let i = 0; i < 5; i++) {
      const answer = await exchange(evenkeel.port(), GET);
      expect([answer.status, answer.body.toString()]).toEqual([200, "ok"]);
    }
    expect([origin.connections, origin.asked[0]]).toEqual([1, false]);
  });

  it("asks for the server's name, or the one that is configured", async () => {
    const origin = await startTlsOrigin(await authority.issue({ names: ["localhost", "app.example.test"] }));
    const byHost = await startProxy([`localhost:${origin.port}`], { upstream: { tls: { ca: [caFile] } } });
    expect((await exchange(byHost.port(), GET)).status).toBe(200);
    const byName = await startProxy([origin.address], {
      upstream: { tls: { ca: [caFile], serverName: "app.example.test" } },
    });
    expect((await exchange(byName.port(), GET)).status).toBe(200);
    expect(origin.asked).toEqual(["localhost", "app.example.test"]);
  });

  it.each<[string, () => Promise<Issued>, RegExp]>([
    [
      "another name",
      () => authority.issue({ names: ["other.test"] }),
      /cannot connect: .*(name|127\.0\.0\.1|altname)/i,
    ],
    [
      "a date that is over",
      () =>
        authority.issue({
          names: ["127.0.0.1"],
          notBefore: new Date(Date.now() - 10 * DAY),
          notAfter: new Date(Date.now() - DAY),
        }),
      /cannot connect: .*expired/i,
    ],
    ["an unknown issuer", () => stranger.issue({ names: ["127.0.0.1"] }), /cannot connect: .*(issuer|verify|signed)/i],
  ])("refuses a certificate with %s: 502, a reason in the log, and the server is out", async (_, issue, log) => {
    const origin = await startTlsOrigin(await issue());
    const evenkeel = await startProxy([origin.address], { upstream: { tls: { ca: [caFile] } } });
    const answer = await exchange(evenkeel.port(), GET);
    expect([answer.status, answer.body.toString()]).toEqual([502, expect.stringContaining("connect_failed")]);
    await evenkeel.waitForLog(log);
    const pools = (await evenkeel.admin("/api/v2/pools/web")) as { servers: { state: string }[] };
    expect(pools.servers[0].state).not.toBe("up");
    expect(origin.requests).toBe(0);
    // One failure each: the same server was not asked again for the same request.
    expect((await serverCounters(evenkeel))[0].connectFailures).toBe(1);
  });

  it("asks another server instead, for every method", async () => {
    const bad = await startTlsOrigin(await stranger.issue({ names: ["127.0.0.1"] }));
    const good = await startTlsOrigin(await authority.issue({ names: ["127.0.0.1"] }));
    const evenkeel = await startProxy([bad.address, good.address], {
      pool: { algorithm: "round_robin" },
      upstream: { tls: { ca: [caFile] } },
    });
    const post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi";
    for (let i = 0; i < 6; i++) expect((await exchange(evenkeel.port(), post)).status).toBe(200);
    expect([bad.requests, good.requests]).toEqual([0, 6]);
  });

  it("never falls back to plain text", async () => {
    const requests: string[] = [];
    const server = createPlain((request, response) => {
      requests.push(request.url ?? "");
      response.end("plain");
    });
    server.on("clientError", (_, socket) => socket.destroy());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    atEnd(() => server.close());
    const { port } = server.address() as AddressInfo;
    for (const protocol of ["http1", "http2", "auto"]) {
      const evenkeel = await startProxy([`127.0.0.1:${port}`], { upstream: { protocol, tls: { verify: false } } });
      expect((await exchange(evenkeel.port(), GET)).status).toBe(502);
      await evenkeel.waitForLog(/cannot connect/);
    }
    expect(requests).toEqual([]);
  });

  it("checks nothing with verify: false, and says so when the configuration is read", async () => {
    const origin = await startTlsOrigin(await stranger.issue({ names: ["other.test"] }));
    const evenkeel = await startProxy([origin.address], { upstream: { tls: { verify: false } } });
    expect((await exchange(evenkeel.port(), GET)).status).toBe(200);
    expect(evenkeel.log.join("\n")).toContain("certificates are not checked");
  });

  it("speaks no version that is older than allowed", async () => {
    const issued = await authority.issue({ names: ["127.0.0.1"] });
    const old = await startTlsOrigin(issued, { maxVersion: "TLSv1.2" });
    const strict = await startProxy([old.address], { upstream: { tls: { ca: [caFile], minVersion: "TLSv1.3" } } });
    expect((await exchange(strict.port(), GET)).status).toBe(502);
    await strict.waitForLog(/cannot connect: .*version/i);
    const usual = await startProxy([old.address], { upstream: { tls: { ca: [caFile] } } });
    expect((await exchange(usual.port(), GET)).status).toBe(200);
  });

  it("shows a client certificate to servers that want one", async () => {
    const folder = temporaryFolder();
    const client = certificateFiles(await authority.issue({ subject: "balancer", client: true }), folder, "client");
    const origin = await startTlsOrigin(await authority.issue({ names: ["127.0.0.1"] }), {
      requestCert: true,
      rejectUnauthorized: true,
      ca: (await authority.issue({ names: ["x.test"] })).root,
    });
    const evenkeel = await startProxy([origin.address], {
      upstream: { tls: { ca: [caFile], cert: client.cert, key: client.key } },
    });
    expect((await exchange(evenkeel.port(), GET)).status).toBe(200);
    expect(origin.subjects).toEqual(["balancer"]);
    const without = await startProxy([origin.address], { upstream: { tls: { ca: [caFile] } } });
    expect((await exchange(without.port(), GET)).status).toBe(502);
    await without.waitForLog(/(cannot connect|bad response): /);
    for (const line of evenkeel.log) expect(line).not.toContain("PRIVATE KEY");
  });

  it("takes an authority's file that was replaced for connections from then on", async () => {
    const own = join(temporaryFolder(), "ca.pem");
    writeFileSync(own, (await stranger.issue({ names: ["x.test"] })).root);
    const origin = await startTlsOrigin(await authority.issue({ names: ["127.0.0.1"] }));
    const evenkeel = await startProxy([origin.address], {
      upstream: { tls: { ca: [own] } },
      pool: { outlierDetection: false },
    });
    expect((await exchange(evenkeel.port(), GET)).status).toBe(502);
    writeFileSync(own, (await authority.issue({ names: ["x.test"] })).root);
    await waitFor("the new authority to count", async () => (await exchange(evenkeel.port(), GET)).status === 200);
  });

  it("follows a server whose certificate becomes another one", async () => {
    const origin = await startTlsOrigin(await authority.issue({ names: ["127.0.0.1"] }));
    const evenkeel = await startProxy([origin.address], {
      upstream: { tls: { ca: [caFile] }, maxRequestsPerConnection: 1 },
      pool: { outlierDetection: false },
    });
    expect((await exchange(evenkeel.port(), GET)).status).toBe(200);
    const bad = await stranger.issue({ names: ["127.0.0.1"] });
    createSecureContext({ cert: bad.chain, key: bad.key });
    origin.setSecureContext({ cert: bad.chain, key: bad.key });
    await waitFor("a refusal", async () => (await exchange(evenkeel.port(), GET)).status === 502);
  });
});

describe("the protocol by the handshake", () => {
  it("is HTTP/2 where the server can, HTTP/1.1 where not, each by itself", async () => {
    const issued = await authority.issue({ names: ["127.0.0.1"] });
    const one = await startTlsOrigin(issued);
    const two = await startHttp2Origin({ tls: { cert: issued.chain, key: issued.key } });
    const evenkeel = await startProxy([one.address, two.address], {
      pool: { algorithm: "round_robin" },
      upstream: { protocol: "auto", tls: { ca: [caFile] } },
    });
    const answers = await Promise.all(Array.from({ length: 20 }, () => exchange(evenkeel.port(), GET)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect([one.requests, two.requests.length, two.sessions]).toEqual([10, 10, 1]);
    expect(two.requests[0]).toMatchObject({ ":scheme": "https" });
  });

  it("must be HTTP/2 with http2", async () => {
    const issued = await authority.issue({ names: ["127.0.0.1"] });
    const two = await startHttp2Origin({ tls: { cert: issued.chain, key: issued.key } });
    const good = await startProxy([two.address], { upstream: { protocol: "http2", tls: { ca: [caFile] } } });
    expect((await exchange(good.port(), GET)).status).toBe(200);
    const one = await startTlsOrigin(issued, { ALPNProtocols: ["http/1.1"] });
    const bad = await startProxy([one.address], { upstream: { protocol: "http2", tls: { ca: [caFile] } } });
    expect((await exchange(bad.port(), GET)).status).toBe(502);
    await bad.waitForLog(/cannot connect: .*(ALPN|protocol)/i);
  });
});

describe.skipIf(missing("nginx", "TLS to nginx"))("nginx as a server with TLS", () => {
  it.each(["http1", "http2", "auto"])("over %s, with a client certificate", async (protocol) => {
    const folder = temporaryFolder();
    const own = certificateFiles(await authority.issue({ names: ["127.0.0.1"] }), folder, "server");
    const client = certificateFiles(await authority.issue({ subject: "balancer", client: true }), folder, "client");
    const body = "x".repeat(100_000);
    const origin = await startNginx(
      { "a.txt": body },
      `ssl_certificate ${own.cert}; ssl_certificate_key ${own.key};
       ssl_client_certificate ${own.ca}; ssl_verify_client on;
       location = /who { return 200 "$server_protocol $ssl_client_s_dn"; }`,
      "ssl http2",
    );
    const evenkeel = await startProxy([origin.address], {
      upstream: { protocol, tls: { ca: [caFile], cert: client.cert, key: client.key } },
    });
    const who = await exchange(evenkeel.port(), "GET /who HTTP/1.1\r\nHost: a\r\n\r\n");
    expect(who.body.toString()).toBe(`${protocol === "http1" ? "HTTP/1.1" : "HTTP/2.0"} CN=balancer`);
    const file = await exchange(evenkeel.port(), "GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n");
    expect(file.body.toString()).toBe(body);
  });
});
