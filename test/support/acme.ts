import { connect, type PeerCertificate, type TLSSocket } from "node:tls";
import type { Evenkeel } from "./evenkeel.ts";
import type { Pebble } from "./pebble.ts";
import { waitFor, within } from "./wait.ts";

/** A certificate as `/api/v2/acme` shows it. */
export interface AcmeEntry {
  readonly id: string;
  readonly names: readonly string[];
  readonly state: string;
  readonly failures: number;
  readonly notAfter: string | null;
  readonly nextAttempt: string;
  readonly renewal: { readonly at: string; readonly by: string; readonly explanation: string | null } | null;
  readonly lastError: { readonly reason: string } | null;
}

/** Settings of `tls.acme` for an authority. */
export function acmeSettings(pebble: Pebble, settings: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return { directory: pebble.directory, ca: pebble.files.ca, agreeToTerms: true, ...settings };
}

/** What the program says about its certificates. */
export async function acmeEntries(evenkeel: Evenkeel): Promise<AcmeEntry[]> {
  return ((await evenkeel.admin("/api/v2/acme")) as { certificates: AcmeEntry[] }).certificates;
}

/** Waits until all certificates are good. */
export function waitForCertificates(evenkeel: Evenkeel, count = 1, timeout = 30_000): Promise<AcmeEntry[]> {
  return waitFor(
    `${count} good certificates in:\n${evenkeel.log.join("\n")}`,
    async () => {
      const entries = await acmeEntries(evenkeel);
      return entries.length === count && entries.every(({ state }) => state === "valid") && entries;
    },
    timeout,
  );
}

/** A TLS connection whose certificate was verified against the root (PEM). Rejects when the handshake fails. */
export async function handshake(port: number, servername: string, root: string): Promise<TLSSocket> {
  const socket = connect({ port, host: "127.0.0.1", servername, ca: root });
  const secured = new Promise<TLSSocket>((resolve, reject) => {
    socket.once("secureConnect", () => resolve(socket));
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("closed before the end of the handshake")));
  });
  try {
    return await within(`a handshake for ${servername}`, secured);
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** The certificate that a client gets to see, verified. */
export async function shownCertificate(port: number, servername: string, root: string): Promise<PeerCertificate> {
  const socket = await handshake(port, servername, root);
  const certificate = socket.getPeerCertificate();
  socket.destroy();
  return certificate;
}
