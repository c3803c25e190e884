import { writeFileSync } from "node:fs";
import { join } from "node:path";
import tls from "node:tls";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { certificateFiles, temporaryFolder, TestAuthority, type Issued } from "../support/certificates.ts";
import { startEvenkeel, type Evenkeel } from "../support/evenkeel.ts";
import { run, sClient } from "../support/openssl.ts";
import { residentBytes } from "../support/process-usage.ts";
import { startRawOrigin } from "../support/raw-origin.ts";
import { waitFor } from "../support/wait.ts";

let ca: TestAuthority;
let ecdsa: Issued;
let rsa: Issued;
let other: Issued;
beforeAll(async () => {
  ca = await (await TestAuthority.create()).intermediate();
  ecdsa = await ca.issue({ names: ["example.test", "*.example.test"], subject: "ecdsa" });
  rsa = await ca.issue({ names: ["example.test", "*.example.test"], subject: "rsa", keyType: "rsa" });
  other = await ca.issue({ names: ["other.test"], subject: "other" });
});

/** The program with TLS in front of a fixed answer. */
async function startTls(
  more: object = {},
  listener: object = {},
  workers = 1,
  top: object = {},
): Promise<{ evenkeel: Evenkeel; root: string }> {
  const folder = temporaryFolder();
  const files = [ecdsa, rsa, other].map((issued, index) => certificateFiles(issued, folder, `c${index}`));
  const certificates = files.map(({ cert, key }) => ({ cert, key }));
  const evenkeel = await startEvenkeel({
    config: {
      workers,
      listeners: {
        web: {
          listen: "127.0.0.1:0",
          tls: { certificates, ...more },
          routes: [{ respond: { status: 200, body: "hello from TLS" } }],
          ...listener,
        },
      },
      ...top,
    },
  });
  return { evenkeel, root: files[0]!.ca };
}

describe("TLS with OpenSSL and curl", () => {
  it("is spoken in versions 1.2 and 1.3, with forward secrecy and authenticated encryption only", async () => {
    const { evenkeel, root } = await startTls();
    const port = evenkeel.port();
    const verified = [
      "-CAfile",
      root,
      "-verify_return_error",
      "-servername",
      "example.test",
      "-verify_hostname",
      "example.test",
    ];
    const modern = await sClient(port, ...verified);
    expect(modern.output).toMatch(/New, TLSv1\.3, Cipher is TLS_AES_128_GCM_SHA256/);
    expect(modern.output).toMatch(/Verify return code: 0 \(ok\)[^]*hello from TLS/);
    const older = await sClient(port, "-tls1_2", ...verified);
    expect(older.output).toMatch(/New, TLSv1\.2, Cipher is ECDHE-ECDSA-AES128-GCM-SHA256[^]*hello from TLS/);
    for (const refused of [
      ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
      ["-tls1_2", "-cipher", "AES128-GCM-SHA256:AES256-SHA"],
      ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES256-SHA"],
    ]) {
      const { code, output } = await sClient(port, ...refused);
      expect([code, output.includes("hello")]).toEqual([1, false]);
    }
  });

  it("lets clients without AES in hardware have ChaCha20", async () => {
    const { evenkeel } = await startTls();
    const first = (suites: string) =>
      sClient(evenkeel.port(), "-ciphersuites", suites).then(({ output }) => /Cipher is (\S+)/.exec(output)?.[1]);
    expect(await first("TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256")).toBe(
      "TLS_AES_128_GCM_SHA256",
    );
    expect(await first("TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256")).toBe("TLS_CHACHA20_POLY1305_SHA256");
  });

  it("shows the certificate for the name, with the key that the client can verify", async () => {
    const { evenkeel } = await startTls();
    const subject = async (...args: string[]) =>
      /subject=CN ?= ?(\S+)/.exec((await sClient(evenkeel.port(), ...args)).output)?.[1];
    expect(await subject("-servername", "a.example.test")).toBe("ecdsa");
    expect(await subject("-servername", "a.example.test", "-sigalgs", "rsa_pss_rsae_sha256")).toBe("rsa");
    expect(await subject("-servername", "OTHER.test")).toBe("other");
    expect(await subject("-servername", "unknown.test")).toBe("ecdsa");
    expect(await subject("-noservername")).toBe("ecdsa");
  });

  it("refuses unknown names with strictSni, and protocols that are not spoken", async () => {
    const { evenkeel } = await startTls({ strictSni: true });
    expect((await sClient(evenkeel.port(), "-servername", "unknown.test")).output).toMatch(/unrecognized name/);
    const spdy = await sClient(evenkeel.port(), "-servername", "other.test", "-alpn", "spdy/1");
    expect(spdy.output).toMatch(/no application protocol/);
    const http = await sClient(evenkeel.port(), "-servername", "other.test", "-alpn", "http/1.1");
    expect(http.output).toMatch(/ALPN protocol: http\/1\.1[^]*421 Misdirected Request/);
  });

  it.each(["-tls1_2", "-tls1_3"])("takes tickets of one worker in all of them, %s", async (version) => {
    const { evenkeel } = await startTls({}, {}, 2);
    const file = join(temporaryFolder(), "session.pem");
    await sClient(evenkeel.port(), version, "-servername", "example.test", "-sess_out", file);
    const again = () => sClient(evenkeel.port(), version, "-servername", "example.test", "-sess_in", file);
    // The kernel spreads connections over the workers by their ports: 8 of them in one worker are hardly chance.
    for (let i = 0; i < 8; i++) expect((await again()).output).toMatch(/Reused, TLSv1/);
  });

  it("staples an OCSP response", async () => {
    const folder = temporaryFolder();
    const path = (name: string) => join(folder, name);
    writeFileSync(path("ca.crt"), ca.pem);
    writeFileSync(path("ca.key"), await ca.keyPem);
    writeFileSync(path("other.crt"), other.certificate);
    const expires = "351231235959Z";
    writeFileSync(path("index"), `V\t${expires}\t\t${other.serial.toUpperCase()}\tunknown\t/CN=other\n`);
    const ocsp = ["ocsp", "-issuer", path("ca.crt"), "-cert", path("other.crt")];
    await run("openssl", [...ocsp, "-reqout", path("request"), "-no_nonce"]);
    const responder = [
      "-index",
      path("index"),
      "-CA",
      path("ca.crt"),
      "-rsigner",
      path("ca.crt"),
      "-rkey",
      path("ca.key"),
    ];
    const signed = ["-reqin", path("request"), "-respout", path("response"), "-ndays", "7"];
    const made = await run("openssl", ["ocsp", ...responder, ...signed]);
    expect(made.code, made.output).toBe(0);
    const { cert, key } = certificateFiles(other, folder);
    const { evenkeel } = await startTls({ certificates: [{ cert, key, ocsp: path("response") }] });
    const { output } = await sClient(evenkeel.port(), "-servername", "other.test", "-status");
    expect(output).toMatch(/OCSP Response Status: successful[^]*Cert Status: good/);
  });

  it("serves curl, and says 421 where name and Host disagree", async () => {
    const { evenkeel, root } = await startTls();
    const port = evenkeel.port();
    const curl = (url: string, ...args: string[]) =>
      run("curl", [
        "-sS",
        "--cacert",
        root,
        "--connect-to",
        `::127.0.0.1:${port}`,
        "-w",
        "\n%{http_code}",
        ...args,
        url,
      ]);
    expect((await curl(`https://a.example.test:${port}/`, "--http1.1")).output).toBe("hello from TLS\n200");
    expect((await curl(`https://other.test:${port}/`, "--http1.1", "-H", "Host: a.example.test")).output).toMatch(
      /\n421$/,
    );
    // A name that the same certificate is good for is no disagreement.
    expect((await curl(`https://a.example.test:${port}/`, "--http1.1", "-H", "Host: b.example.test")).output).toMatch(
      /\n200$/,
    );
  });
});

describe("backpressure over TLS", () => {
  /** What kernel buffers and the proxy together may hold of one stream. */
  const HELD = 24 * 1_048_576;
  const BIG = 1_073_741_824;

  it("holds for a client that does not read, and all of 1 GiB comes in the end", { timeout: 90_000 }, async () => {
    const origin = await startRawOrigin(() => undefined);
    const { evenkeel } = await startTls({}, { routes: undefined, pool: "web" }, 1, {
      pools: { web: { servers: [origin.address] } },
    });
    const before = residentBytes(evenkeel.pid);
    const options = {
      port: evenkeel.port(),
      host: "127.0.0.1",
      rejectUnauthorized: false,
      highWaterMark: 262_144,
    };
    const client = tls.connect(options);
    onTestFinished(() => void client.destroy());
    client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await origin.waitForRequests(1);
    const { socket } = origin.connections[0]!;
    const head = `HTTP/1.1 200 OK\r\nContent-Length: ${BIG}\r\n\r\n`;
    socket.write(head);
    const piece = Buffer.alloc(1_048_576, "x");
    let left = BIG / piece.length;
    const pump = (): void => {
      while (left > 0 && socket.writable) {
        left--;
        if (!socket.write(piece)) return;
      }
    };
    socket.on("drain", pump);
    pump();
    let last = -1;
    const sent = await waitFor("what the server could send to stand still", async () => {
      const earlier = last;
      await new Promise((resolve) => setTimeout(resolve, 400));
      last = socket.bytesWritten - socket.writableLength;
      return earlier === last && last;
    });
    expect(sent).toBeLessThan(HELD);
    expect(residentBytes(evenkeel.pid) - before).toBeLessThan(HELD);
    let received = 0;
    let peak = 0;
    client.on("data", (data: Buffer) => {
      if (received >> 26 !== (received + data.length) >> 26) peak = Math.max(peak, residentBytes(evenkeel.pid));
      received += data.length;
    });
    await waitFor("the whole body", () => received > BIG, 80_000);
    expect(peak - before).toBeLessThan(3 * HELD);
  });
});
