import { execFile, type ChildProcess } from "node:child_process";
import net from "node:net";
import tls from "node:tls";
import { afterEach, describe, expect, it } from "vitest";
import { missing } from "../../test/support/tools.ts";
import { COMPLETE } from "./client-hello-reader.ts";
import { readHello } from "./client-hello.fixture.ts";

const running: (() => void)[] = [];
afterEach(() => {
  for (const stop of running.splice(0)) stop();
});

/** The first flight of a client that `start` has connect to the port it is given. */
function capture(start: (port: number) => void): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const server = net.createServer((socket) => {
      const pieces: Buffer[] = [];
      socket.on("error", () => undefined);
      socket.on("data", (data: Buffer) => {
        pieces.push(data);
        const all = Buffer.concat(pieces);
        if (isWhole(all)) resolve(all);
      });
      running.push(() => socket.destroy());
    });
    server.on("error", reject);
    running.push(() => void server.close());
    server.listen(0, "127.0.0.1", () => start((server.address() as net.AddressInfo).port));
  });
}

/** Whether the records hold as much as the message in them is long: that it is complete is not the reader's word. */
function isWhole(bytes: Buffer): boolean {
  const fragments: Buffer[] = [];
  for (let at = 0; at + 5 <= bytes.length; at += 5 + bytes.readUInt16BE(at + 3))
    fragments.push(bytes.subarray(at + 5, at + 5 + bytes.readUInt16BE(at + 3)));
  const message = Buffer.concat(fragments);
  return message.length >= 4 && message.length === 4 + message.readUIntBE(1, 3);
}

function program(name: string, args: readonly string[]): ChildProcess {
  const child = execFile(name, args, () => undefined);
  running.push(() => child.kill());
  return child;
}

/** The same result for the whole, byte by byte and in sevens. */
function read(bytes: Buffer) {
  const reading = readHello(bytes);
  expect(reading.state).toBe(COMPLETE);
  expect(readHello(bytes, [1])).toEqual(reading);
  expect(readHello(bytes, [7])).toEqual(reading);
  return reading.hello!;
}

describe("the ClientHello of", () => {
  it("node:tls", async () => {
    const bytes = await capture((port) => {
      const client = tls.connect({
        port,
        host: "127.0.0.1",
        servername: "Node.Example.test",
        ALPNProtocols: ["h2", "x"],
      });
      client.on("error", () => undefined);
      running.push(() => client.destroy());
    });
    const hello = read(bytes);
    expect(hello).toMatchObject({ serverName: "node.example.test", alpn: ["h2", "x"], hasEncryptedHello: false });
    expect(hello.versions).toEqual([0x0304, 0x0303]);
  });

  it("node:tls without a name", async () => {
    const bytes = await capture((port) => {
      const client = tls.connect({ port, host: "127.0.0.1" });
      client.on("error", () => undefined);
      running.push(() => client.destroy());
    });
    expect(read(bytes)).toMatchObject({ serverName: "", alpn: [] });
  });

  const noOpenssl = missing("openssl", "the ClientHello of openssl s_client");
  it.skipIf(noOpenssl).each([
    ["-tls1_2", [0x0303]],
    ["-tls1_3", [0x0304]],
  ])("openssl s_client %s", async (version, versions) => {
    const bytes = await capture((port) => {
      program("openssl", ["s_client", "-connect", `127.0.0.1:${port}`, "-servername", "openssl.test", version]);
    });
    expect(read(bytes)).toMatchObject({ serverName: "openssl.test", versions });
  });

  it.skipIf(noOpenssl)("openssl s_client with a hello in records of 512 bytes", async () => {
    const protocols = Array.from({ length: 200 }, (_, index) => `protocol-${index}`);
    const bytes = await capture((port) => {
      program("openssl", [
        "s_client",
        "-connect",
        `127.0.0.1:${port}`,
        "-servername",
        "openssl.test",
        "-alpn",
        protocols.join(","),
        "-max_send_frag",
        "512",
      ]);
    });
    expect(bytes.readUInt16BE(3)).toBe(512);
    expect(read(bytes)).toMatchObject({ serverName: "openssl.test", alpn: protocols });
  });

  it.skipIf(missing("curl", "the ClientHello of curl"))("curl", async () => {
    const bytes = await capture((port) => {
      program("curl", ["-sk", "--resolve", `curl.test:${port}:127.0.0.1`, `https://curl.test:${port}/`]);
    });
    const hello = read(bytes);
    expect(hello).toMatchObject({ serverName: "curl.test", alpn: ["h2", "http/1.1"] });
    expect(hello.versions).toContain(0x0304);
  });
});
