import net from "node:net";
import tls from "node:tls";
import { beforeAll, expect, it, onTestFinished } from "vitest";
import { TestAuthority, type Issued } from "../../../test/support/certificates.ts";
import { seededRandom } from "../../core/random.ts";
import { RecordingOwner, until } from "../stream-socket.contract.ts";
import { ClientTlsContext } from "./client-context.ts";
import { openTlsConnection } from "./client-tls.ts";
import { tryTlsHandles } from "./tls-trial.ts";
import { materialOf, tlsMaterial, tlsPlane, visit } from "./tls.fixture.ts";

let web: Issued;
beforeAll(async () => {
  web = await (await TestAuthority.create()).issue({ names: ["example.test"] });
  await tryTlsHandles();
});

/** What is done to the bytes of one direction: cut off, or one of them changed, at a place by chance. */
const WAYS = ["cut", "reset", "change", "stop"] as const;

/** Passes connections on to a port, and breaks each of them in its own way. */
async function breaker(port: number, random: () => number): Promise<number> {
  const server = net.createServer({ allowHalfOpen: true }, (client) => {
    const peer = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    const way = WAYS[Math.floor(random() * WAYS.length)]!;
    const [from, to] = random() < 0.5 ? [client, peer] : [peer, client];
    let left = Math.floor(random() * 3000);
    for (const socket of [client, peer]) socket.on("error", () => undefined);
    for (const [one, other] of [
      [client, peer],
      [peer, client],
    ] as const) {
      one.on("close", () => other.destroy());
      one.on("end", () => other.end());
      one.on("data", (data: Buffer) => {
        if (one !== from || left >= data.length || left < 0) {
          if (one === from) left -= data.length;
          other.write(data);
          return;
        }
        const at = left;
        left = -1;
        if (way === "change") data[at]! ^= 1 + Math.floor(random() * 255);
        to.write(way === "change" ? data : data.subarray(0, at));
        if (way === "cut") to.end();
        else if (way === "reset") to.resetAndDestroy();
        else if (way === "stop") setImmediate(() => (client.destroy(), peer.destroy()));
      });
    }
  });
  onTestFinished(() => void server.close());
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve((server.address() as net.AddressInfo).port)),
  );
}

it.each(["TLSv1.2", "TLSv1.3"] as const)("a server outlives clients whose %s breaks anywhere", async (maxVersion) => {
  const random = seededRandom(maxVersion === "TLSv1.2" ? 12 : 13);
  const { port, logs, handshakes } = await tlsPlane(tlsMaterial([materialOf(web)]), { answer: "x".repeat(100_000) });
  const broken = await breaker(port, random);
  const attempts = Array.from({ length: 150 }, () =>
    Promise.race([
      visit(broken, { maxVersion }).then(
        ({ socket }) => socket.destroy(),
        () => undefined,
      ),
      new Promise((resolve) => setTimeout(resolve, 2000)),
    ]),
  );
  await Promise.all(attempts);
  expect((await visit(port, { maxVersion })).body).toHaveLength(100_000);
  expect(handshakes().failed).toBeGreaterThan(10);
  expect(logs.filter((line) => line.startsWith("error"))).toEqual([]);
});

it.each(["TLSv1.2", "TLSv1.3"] as const)("a client outlives servers whose %s breaks anywhere", async (maxVersion) => {
  const random = seededRandom(maxVersion === "TLSv1.2" ? 22 : 23);
  const server = tls.createServer({ cert: web.chain, key: web.key, maxVersion }, (socket) => {
    socket.on("error", () => undefined);
    socket.end("x".repeat(100_000));
  });
  server.on("tlsClientError", () => undefined);
  onTestFinished(() => void server.close());
  const port = await new Promise<number>((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve((server.address() as net.AddressInfo).port)),
  );
  const context = new ClientTlsContext(
    { ca: [web.root], cert: null, key: null },
    { verify: true, ca: [], minVersion: "TLSv1.2" },
  );
  const broken = await breaker(port, random);
  const open = (to: number) => {
    const owner = new RecordingOwner();
    const socket = openTlsConnection({ host: "127.0.0.1", port: to }, owner, {
      context,
      serverName: "example.test",
      alpn: [],
    });
    owner.action = () => (owner.received.length > 50_000 && random() < 0.1 ? socket.destroy() : undefined);
    setTimeout(() => socket.destroy(), 2000);
    return owner;
  };
  const owners = Array.from({ length: 150 }, () => open(broken));
  await until(() => owners.every((owner) => owner.closes === 1));
  expect(owners.flatMap((owner) => owner.bugs)).toEqual([]);
  // An end that counts as one has all bytes before it.
  for (const owner of owners) if (owner.ends === 1) expect(owner.received).toHaveLength(100_000);
  expect(owners.some((owner) => owner.error !== undefined)).toBe(true);
});
