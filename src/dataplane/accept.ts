import net from "node:net";
import { handlesAvailable, HandleSocket } from "./handle-socket.ts";
import type { StreamHandle } from "./node-bindings.ts";
import type { TransportOwner } from "./transport.ts";

/*
 * Accepting without the detour: net.Server makes a net.Socket for every handle that it accepts. Taking the handle
 * ourselves gives a socket that costs less (handle-socket.ts). None of it is documented, so `handlesWork` tries it once on
 * a real connection, and servers work the documented way if it fails.
 */

interface ServerHandle {
  onconnection(error: number, handle: StreamHandle & PeerHandle): void;
}

interface PeerHandle {
  getpeername?(out: { address?: string; port?: number }): number;
}

/** Replaces how a listening server treats what it accepts. False when this Node does not work that way. */
export function takeHandles(server: net.Server, accept: (handle: StreamHandle, remote: string) => void): boolean {
  const handle = (server as net.Server & { _handle?: ServerHandle })._handle;
  if (handle === undefined || handle === null || typeof handle.onconnection !== "function") return false;
  handle.onconnection = (error, client) => {
    if (error !== 0 || client === undefined) {
      if (error !== 0) server.emit("acceptError", error);
      return;
    }
    const peer: { address?: string } = {};
    // Fails for a client that has reset the connection meanwhile. What it sent can still be read, but nobody knows
    // whose it is, and it must not pass for this machine's own (which a unix socket's clients do: they have no names).
    if (client.getpeername !== undefined && client.getpeername(peer) !== 0) return client.close();
    // Handles of unix sockets have neither names nor this.
    if ("setNoDelay" in client) client.setNoDelay(true);
    try {
      accept(client, peer.address ?? "");
    } catch (bug) {
      client.close();
      server.emit("acceptBug", bug);
    }
  };
  return true;
}

let works: Promise<boolean> | undefined;

/** Whether sockets can be made from accepted handles with a read buffer of our own. Tried once per thread. */
export function handlesWork(): Promise<boolean> {
  return (works ??= handlesAvailable ? tryHandles() : Promise.resolve(false));
}

function tryHandles(): Promise<boolean> {
  return new Promise((resolve) => {
    const server = net.createServer();
    let client: net.Socket | undefined;
    let accepted: HandleSocket | undefined;
    const end = (result: boolean) => {
      clearTimeout(timer);
      client?.destroy();
      accepted?.destroy();
      server.close();
      resolve(result);
    };
    const timer = setTimeout(end, 2000, false);
    server.on("error", () => end(false));
    server.listen({ host: "127.0.0.1", port: 0 }, () => {
      const probe: TransportOwner = {
        readBuffer: Buffer.alloc(16),
        onData(buffer, length) {
          end(buffer === probe.readBuffer && buffer.latin1Slice(0, length) === "ping");
          return false;
        },
        onEnd: () => undefined,
        onDrain: () => undefined,
        onClose: () => undefined,
        onBug: () => end(false),
      };
      const taken = takeHandles(server, (handle) => {
        try {
          accepted = new HandleSocket(handle, probe);
          accepted.resume();
        } catch {
          end(false);
        }
      });
      if (!taken) return end(false);
      client = net.connect((server.address() as net.AddressInfo).port, "127.0.0.1", () => client!.write("ping"));
      client.on("error", () => end(false));
    });
  });
}
