import { createHash, X509Certificate } from "node:crypto";
import tls from "node:tls";
import { onTestFinished } from "vitest";
import type { Issued } from "../../../test/support/certificates.ts";
import { SlotAllocator } from "../../config/slots.ts";
import { NO_TLS_MATERIAL, type CertificateMaterial, type TlsMaterial } from "../../config/tls-material.ts";
import { Scoreboard } from "../../shared-memory/scoreboard.ts";
import { listenerTotals } from "../../shared-memory/totals.ts";
import { DataPlane } from "../data-plane.ts";
import { snapshotOf, webConfig } from "../plan.fixture.ts";

/** A certificate as the control plane hands it to workers. */
export function materialOf(issued: Issued, changes: Partial<CertificateMaterial> = {}): CertificateMaterial {
  const { subjectAltName, publicKey } = new X509Certificate(issued.certificate);
  return {
    id: `file:${issued.serial}`,
    fingerprint: createHash("sha256").update(issued.chain).digest("hex"),
    listeners: ["web"],
    names: (subjectAltName ?? "").split(", ").map((name) => name.slice(name.indexOf(":") + 1)),
    keyType: publicKey.asymmetricKeyType === "ec" ? "ecdsa" : "rsa",
    chain: issued.chain,
    key: issued.key,
    ocsp: null,
    ...changes,
  };
}

let version = 0;

/** Material with these certificates. */
export function tlsMaterial(
  certificates: readonly CertificateMaterial[],
  changes: Partial<TlsMaterial> = {},
): TlsMaterial {
  return { ...NO_TLS_MATERIAL, version: ++version, certificates, ...changes };
}

/** A data plane with one listener "web" that answers `answer` over TLS; it ends with the test. */
export async function tlsPlane(
  material: TlsMaterial,
  options: { tls?: object; listener?: object; answer?: string } = {},
) {
  const logs: string[] = [];
  const wanted: string[] = [];
  const { handle } = Scoreboard.create({ servers: 16, workers: 1 });
  const scoreboard = Scoreboard.attach(handle, 0);
  const plane = new DataPlane({
    worker: 0,
    workers: 1,
    scoreboard,
    clock: { now: () => performance.now(), wall: () => Date.now() },
    log: (level, message) => void logs.push(`${level} ${message}`),
    wanted: (listener, name) => void wanted.push(`${listener} ${name}`),
  });
  onTestFinished(() => plane.close());
  const slots = new SlotAllocator(16);
  const config = (more: object = {}) =>
    webConfig(
      [],
      {},
      {
        routes: [{ respond: { status: 200, body: options.answer ?? "hello" } }],
        tls: { ...options.tls },
        ...options.listener,
        ...more,
      },
    );
  plane.setTlsMaterial(material);
  const ports = await plane.apply(snapshotOf(config(), undefined, slots), {});
  return {
    plane,
    logs,
    wanted,
    port: ports["web/0"]!,
    apply: (listener: object) => plane.apply(snapshotOf(config(listener), undefined, slots), ports),
    handshakes: () => listenerTotals(handle, scoreboard.clients.listenerSlot("web")).handshakes,
  };
}

/** What a client of node:tls has got. */
export interface Visit {
  readonly socket: tls.TLSSocket;
  readonly subject: string;
  /** The last session, if one has come. */
  session(): Buffer | undefined;
  /** The body of the answer to one request. */
  readonly body: string;
}

/** Connects, asks for "/" and waits for the answer; rejects when the handshake fails or nothing is answered. */
export function visit(port: number, options: tls.ConnectionOptions = {}): Promise<Visit> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ host: "127.0.0.1", port, rejectUnauthorized: false, ...options });
    onTestFinished(() => void socket.destroy());
    let text = "";
    let session: Buffer | undefined;
    socket.on("session", (next) => (session = next));
    socket.on("secureConnect", () => socket.write("GET / HTTP/1.1\r\nHost: example.test\r\n\r\n"));
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("closed")));
    socket.on("data", (data: Buffer) => {
      text += data.toString("latin1");
      const end = text.indexOf("\r\n\r\n");
      if (end < 0 || text.length < end + 4 + Number(/content-length: (\d+)/i.exec(text)?.[1])) return;
      const { subject } = socket.getPeerCertificate();
      resolve({ socket, subject: String(subject?.CN ?? ""), session: () => session, body: text.slice(end + 4) });
    });
  });
}
