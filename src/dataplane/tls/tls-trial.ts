import net from "node:net";
import { createSecureContext, type SecureContext } from "node:tls";
import { handlesWork, takeHandles } from "../accept.ts";
import { loadBindings } from "../node-bindings.ts";
import { tlsHandlesAvailable, TlsSocket, type HandshakeOwner } from "./tls-socket.ts";

let works = false;
let tried: Promise<void> | undefined;

/** Whether TLS can work on handles directly here. False until `tryTlsHandles` is through. */
export function tlsHandlesWork(): boolean {
  return works;
}

/** Tries it, once per thread: a handshake between two sockets of ours, and bytes in both directions. */
export function tryTlsHandles(): Promise<void> {
  return (tried ??= attempt().then((result) => void (works = result)));
}

async function attempt(): Promise<boolean> {
  if (!tlsHandlesAvailable || !(await handlesWork())) return false;
  let context: SecureContext;
  try {
    // Without certificates: neither side looks at the other, and nobody else can connect.
    context = createSecureContext({ ciphers: "AECDH-AES128-SHA:@SECLEVEL=0", maxVersion: "TLSv1.2", ca: [] });
  } catch {
    return false;
  }
  return new Promise((resolve) => {
    const server = net.createServer();
    const sockets: TlsSocket[] = [];
    const end = (result: boolean) => {
      clearTimeout(timer);
      for (const socket of sockets) socket.destroy();
      server.close();
      resolve(result);
    };
    const timer = setTimeout(end, 2000, false);
    const accepted = new TrialOwner((text) => {
      if (text === "ping") sockets.find((socket) => socket.handle === accepted.handle)!.write("pong");
      else end(false);
    }, end);
    const connected = new TrialOwner((text) => end(text === "pong"), end);
    server.on("error", () => end(false));
    server.listen({ host: "127.0.0.1", port: 0 }, () => {
      try {
        takeHandles(server, (handle) => {
          const socket = new TlsSocket(handle, context, true, accepted);
          accepted.handle = socket.handle;
          sockets.push(socket);
          socket.resume();
        });
        const { TCP, TCP_SOCKET, TCPConnectWrap } = loadBindings()!;
        const handle = new TCP(TCP_SOCKET);
        const request = new TCPConnectWrap();
        request.oncomplete = (status) => {
          if (status !== 0) return end(false);
          const socket = new TlsSocket(handle, context, false, connected);
          connected.onSecure = () => socket.write("ping");
          sockets.push(socket);
          socket.resume();
          socket.handle.start();
        };
        handle.connect(request, "127.0.0.1", (server.address() as net.AddressInfo).port);
      } catch {
        end(false);
      }
    });
  });
}

class TrialOwner implements HandshakeOwner {
  readBuffer = Buffer.alloc(16);
  handle: unknown;
  onSecure: () => void = () => undefined;
  readonly #got: (text: string) => void;
  readonly #failed: (result: false) => void;

  constructor(got: (text: string) => void, failed: (result: false) => void) {
    this.#got = got;
    this.#failed = failed;
  }
  onData(buffer: Buffer, length: number): boolean {
    this.#got(buffer === this.readBuffer ? buffer.latin1Slice(0, length) : "");
    return true;
  }
  onEnd(): void {
    // Nothing ends before it has worked.
  }
  onDrain(): void {
    // Too little to wait for.
  }
  onClose(): void {
    this.#failed(false);
  }
  onBug(): void {
    this.#failed(false);
  }
}
