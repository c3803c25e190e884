import net from "node:net";
import { afterEach, expect, it } from "vitest";
import type { ConnectingOwner, StreamSocket } from "./transport.ts";

/** Keeps what its socket tells it. */
export class RecordingOwner implements ConnectingOwner {
  readBuffer = Buffer.alloc(65_536);
  received = "";
  /** How often each callback ran, and the errors. */
  ends = 0;
  drains = 0;
  closes = 0;
  connects = 0;
  error: Error | undefined;
  readonly bugs: unknown[] = [];
  /** What `onData` returns. */
  goOn = true;
  /** Runs in `onData`. */
  action: (() => void) | undefined;

  onConnect(): void {
    this.connects++;
  }
  onData(buffer: Buffer, length: number): boolean {
    this.received += buffer.latin1Slice(0, length);
    this.action?.();
    return this.goOn;
  }
  onEnd(): void {
    this.ends++;
  }
  onDrain(): void {
    this.drains++;
  }
  onClose(error: Error | undefined): void {
    this.closes++;
    this.error = error;
  }
  onBug(error: unknown): void {
    this.bugs.push(error);
  }
}

/** A socket that reads, and the plain one at the other end. */
export interface SocketPair {
  readonly socket: StreamSocket;
  readonly peer: net.Socket;
}

/** Makes a pair for an owner; `peers` listens on 127.0.0.1 and keeps what it accepts open until the test is over. */
export type MakePair = (owner: RecordingOwner) => Promise<SocketPair>;

/** Waits until it is so; the test's own time limit is the limit. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

const cleanups: (() => void)[] = [];
/** Runs at the end of the test. */
export function atEnd(action: () => void): void {
  cleanups.push(action);
}

/** What every socket of the data plane does for its owner, however it is made. */
export function streamSocketContract(make: MakePair): void {
  afterEach(() => {
    for (const action of cleanups.splice(0)) action();
  });

  async function pair(owner = new RecordingOwner()) {
    const { socket, peer } = await make(owner);
    atEnd(() => {
      socket.destroy();
      peer.destroy();
    });
    let got = "";
    let ended = false;
    peer.on("data", (data: Buffer) => (got += data.toString("latin1")));
    peer.on("end", () => (ended = true));
    peer.on("error", () => undefined);
    return { owner, socket, peer, got: () => got, ended: () => ended };
  }

  it("brings what the peer sends, and its end", async () => {
    const { owner, peer } = await pair();
    peer.write("hello ");
    peer.end("world\xff", "latin1");
    await until(() => owner.ends === 1);
    expect(owner.received).toBe("hello world\xff");
  });

  it("sends strings as latin1 and bytes, in order, corked or not", async () => {
    const { socket, got } = await pair();
    socket.write("a\xff", "latin1");
    socket.cork();
    socket.write("head ", "latin1");
    socket.write(Buffer.from("body "));
    expect(socket.writableLength).toBeGreaterThan(0);
    socket.uncork();
    socket.write("end", "latin1");
    await until(() => got().length === 15);
    expect(got()).toBe("a\xffhead body end");
    await until(() => socket.writableLength === 0);
  });

  it("stays open for sending when the peer has ended, and is closed once both have", async () => {
    const { owner, socket, peer, got, ended } = await pair();
    peer.end("last");
    await until(() => owner.ends === 1);
    expect(owner.closes).toBe(0);
    socket.write("answer", "latin1");
    socket.end();
    await until(() => ended() && owner.closes === 1);
    expect([got(), owner.error, owner.bugs]).toEqual(["answer", undefined, []]);
  });

  it("stays open for reading when it has ended itself", async () => {
    const { owner, socket, peer, ended } = await pair();
    socket.end();
    await until(ended);
    peer.end("more");
    await until(() => owner.closes === 1);
    expect(owner.received).toBe("more");
  });

  it("stops reading when the owner says so, and goes on where it was", async () => {
    const { owner, socket, peer } = await pair();
    owner.goOn = false;
    peer.write("first");
    await until(() => owner.received === "first");
    peer.write("second");
    peer.end();
    // A turn of the loop after the peer's bytes have gone, nothing has come.
    await until(() => peer.writableFinished);
    await new Promise((resolve) => setImmediate(resolve));
    expect([owner.received, owner.ends]).toEqual(["first", 0]);
    owner.goOn = true;
    socket.resume();
    await until(() => owner.ends === 1);
    expect(owner.received).toBe("firstsecond");
  });

  it("pauses and resumes from outside", async () => {
    const { owner, socket, peer } = await pair();
    socket.pause();
    peer.write("bytes");
    await until(() => peer.writableLength === 0);
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(owner.received).toBe("");
    socket.resume();
    await until(() => owner.received === "bytes");
  });

  it("says when more than enough is unsent, and when it has gone", async () => {
    const { owner, socket, peer, got } = await pair();
    peer.pause();
    const piece = Buffer.alloc(262_144, 120);
    let written = 0;
    while (!socket.writableNeedDrain) {
      socket.write(piece);
      written += piece.length;
    }
    expect(socket.writableLength).toBeGreaterThanOrEqual(65_536);
    expect(owner.drains).toBe(0);
    peer.resume();
    await until(() => owner.drains === 1 && got().length === written);
    expect([socket.writableNeedDrain, socket.writableLength]).toEqual([false, 0]);
  });

  it("keeps to the owner's buffer as it is changed during a read", async () => {
    const { owner, peer } = await pair();
    const buffers: Buffer[] = [];
    owner.action = () => {
      buffers.push(owner.readBuffer);
      owner.readBuffer = Buffer.alloc(1000);
    };
    const text = "0123456789".repeat(1000);
    peer.end(text);
    await until(() => owner.ends === 1);
    expect(owner.received).toBe(text);
    expect(new Set(buffers).size).toBe(buffers.length);
  });

  it("is gone at once when destroyed, and the peer notices", async () => {
    const { owner, socket, peer } = await pair();
    socket.destroy();
    expect(owner.closes).toBe(0);
    await until(() => owner.closes === 1 && peer.readableEnded);
    // What is called afterwards does nothing.
    socket.write("late", "latin1");
    socket.end();
    socket.resume();
    socket.destroy();
    await new Promise((resolve) => setImmediate(resolve));
    expect([owner.closes, owner.bugs]).toEqual([1, []]);
  });

  it("sends everything before it is gone when destroyed soon", async () => {
    const { owner, socket, got, ended } = await pair();
    const long = "x".repeat(500_000);
    socket.write(long, "latin1");
    socket.destroySoon();
    await until(() => ended() && owner.closes === 1);
    expect(got() === long).toBe(true);
  });

  it("tells of a reset with its error, once", async () => {
    const { owner, peer } = await pair();
    peer.resetAndDestroy();
    await until(() => owner.closes === 1);
    expect(owner.error).toBeInstanceOf(Error);
    expect(owner.ends).toBe(0);
  });

  it("reports what the owner's code throws, and is gone", async () => {
    const { owner, peer } = await pair();
    owner.action = () => {
      throw new Error("oops");
    };
    peer.write("x");
    await until(() => owner.closes === 1);
    expect(owner.bugs).toEqual([new Error("oops")]);
  });

  it("can be destroyed while it reads", async () => {
    const { owner, socket, peer } = await pair();
    owner.action = () => socket.destroy();
    peer.write("x");
    await until(() => owner.closes === 1);
    expect([owner.received, owner.bugs]).toEqual(["x", []]);
  });
}

/** A server on 127.0.0.1 for one pair; `accepted` gets each connection. */
export async function listenOnce(
  accepted: (socket: net.Socket) => void,
): Promise<{ server: net.Server; port: number }> {
  const server = net.createServer({ allowHalfOpen: true }, accepted);
  await new Promise<void>((resolve) => server.listen({ host: "127.0.0.1", port: 0 }, resolve));
  atEnd(() => server.close());
  return { server, port: (server.address() as net.AddressInfo).port };
}
