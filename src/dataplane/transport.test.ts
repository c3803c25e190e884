import { createServer, type AddressInfo, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { openNetConnection, type ConnectingOwner, type SocketTarget } from "./transport.ts";

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

class Owner implements ConnectingOwner {
  readBuffer = Buffer.alloc(64);
  /** Buffers that bytes came in. */
  readonly used = new Set<Buffer>();
  text = "";
  wake: () => void = () => undefined;
  onConnect(): void {}
  onData(buffer: Buffer, length: number): boolean {
    this.used.add(buffer);
    this.text += buffer.latin1Slice(0, length);
    this.wake();
    return true;
  }
  onEnd(): void {}
  onDrain(): void {}
  onClose(): void {}
  onBug(error: unknown): void {
    throw error;
  }
  async received(text: string): Promise<void> {
    while (this.text !== text) await new Promise<void>((resolve) => (this.wake = resolve));
  }
}

async function greetingServer(): Promise<{ port: number; sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined);
    socket.write("hello");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, sockets };
}

function open(target: SocketTarget, owner: Owner): void {
  const socket = openNetConnection(target, owner);
  cleanups.push(() => socket.destroy());
}

describe("a connection to a name with several addresses", () => {
  it("reads into its own buffer when the first address refuses", async () => {
    const { port, sockets } = await greetingServer();
    const first = new Owner();
    const second = new Owner();
    open({ host: "127.0.0.1", port }, first);
    await first.received("hello");
    const addresses = [
      { address: "127.0.0.9", family: 4 },
      { address: "127.0.0.1", family: 4 },
    ];
    const lookup = async (_host: string, _options: unknown, done: (error: null, found: typeof addresses) => void) => {
      // What another connection reads meanwhile must not matter.
      sockets[0].write(" again");
      await first.received("hello again");
      done(null, addresses);
    };
    open({ host: "several.test", port, lookup } as SocketTarget, second);
    await second.received("hello");
    expect([...first.used]).toEqual([first.readBuffer]);
    expect(second.used.has(first.readBuffer)).toBe(false);
    expect([...second.used]).toEqual([second.readBuffer]);
  });
});
