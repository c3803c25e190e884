import type { ConnectingOwner, SocketTarget, StreamSocket, TransportOwner } from "./transport.ts";

/** Node's limit from which `write` asks for a pause, in bytes. */
const HIGH_WATER = 65_536;

/**
 * A socket without a network, for owners of the data plane. It keeps the contract of transport.ts and is strict where a
 * real one is lucky: bytes are read into the owner's buffer, which is overwritten as soon as the owner may not rely on
 * it any more; and while nothing leaves (`stall`, or corked), what was written is kept by reference, as the kernel
 * would read it later.
 */
export class FakeSocket implements StreamSocket {
  owner: TransportOwner;
  /** What ALPN chose, for sockets that stand for TLS ones. */
  alpn = "";
  writableLength = 0;
  writableNeedDrain = false;
  /** The owner has ended its sending half. */
  ended = false;
  destroyed = false;
  /** The owner reads at the moment. */
  reading = true;
  /** Number of pieces in which the kernel took what was written: system calls. */
  writes = 0;
  readonly #sent: Buffer[] = [];
  #queue: Uint8Array[] = [];
  #inbox: Buffer[] = [];
  #peerEnds = false;
  #peerEnded = false;
  #closed = false;
  #corked = 0;
  #stalled = false;
  #pumping = false;
  #connected = false;
  #buffer: Buffer;

  constructor(owner: TransportOwner) {
    this.owner = owner;
    this.#buffer = owner.readBuffer;
  }

  /** What the peer has got, as latin1. */
  get sent(): string {
    return Buffer.concat(this.#sent).toString("latin1");
  }

  /** What the peer has got since the last call. */
  takeSent(): string {
    const { sent } = this;
    this.#sent.length = 0;
    return sent;
  }

  // --- what the peer and the kernel do ---

  /** The peer sends these bytes; the owner gets them in one read as soon as it reads, or in reads of 64 KiB. */
  receive(bytes: string | Uint8Array): void {
    // There is no read of nothing.
    if (bytes.length === 0) return;
    this.#inbox.push(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : Buffer.from(bytes));
    this.#pump();
  }

  /** The peer ends its sending half, behind what it has sent. */
  peerEnd(): void {
    this.#peerEnds = true;
    this.#pump();
  }

  /** The connection breaks. */
  reset(error = new Error("reset")): void {
    this.destroyed = true;
    this.#close(error);
  }

  /** The peer takes nothing any more. */
  stall(): void {
    this.#stalled = true;
  }

  /** The peer takes everything again. */
  flow(): void {
    this.#stalled = false;
    this.#flush();
  }

  /** For connections that were opened: it is there now. Once only. */
  connected(): void {
    if (this.#connected || this.destroyed) return;
    this.#connected = true;
    this.reading = true;
    (this.owner as ConnectingOwner).onConnect();
    this.#pump();
  }

  // --- what the owner does ---

  write(data: string | Uint8Array, encoding?: string): boolean {
    if (this.destroyed) return false;
    if (this.ended) throw new Error("write after end");
    if (typeof data === "string" && encoding !== "latin1") throw new Error("strings are latin1");
    const bytes = typeof data === "string" ? Buffer.from(data, "latin1") : data;
    this.#queue.push(bytes);
    this.writableLength += bytes.length;
    if (this.writableLength >= HIGH_WATER) this.writableNeedDrain = true;
    this.#flush();
    return !this.writableNeedDrain;
  }

  cork(): void {
    this.#corked++;
  }

  uncork(): void {
    if (this.#corked > 0) this.#corked--;
    this.#flush();
  }

  end(): void {
    if (this.ended || this.destroyed) return;
    this.ended = true;
    this.#corked = 0;
    this.#flush();
    this.#bothEnded();
  }

  destroySoon(): void {
    this.end();
    if (this.writableLength === 0) this.destroy();
  }

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.#queue = [];
    process.nextTick(() => this.#close(undefined));
  }

  pause(): void {
    this.reading = false;
  }

  resume(): void {
    if (!this.reading) this.#buffer = this.owner.readBuffer;
    this.reading = true;
    process.nextTick(() => this.#pump());
  }

  #flush(): void {
    if (this.#corked > 0 || this.#stalled || this.destroyed) return;
    if (this.#queue.length > 0) {
      this.writes++;
      this.#sent.push(Buffer.concat(this.#queue));
      this.#queue = [];
      this.writableLength = 0;
    }
    if (this.writableNeedDrain) {
      process.nextTick(() => {
        if (this.destroyed || this.ended || this.writableLength > 0 || !this.writableNeedDrain) return;
        this.writableNeedDrain = false;
        this.owner.onDrain();
      });
    }
    this.#bothEnded();
  }

  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    while (this.reading && !this.destroyed && this.#inbox.length > 0) this.#read(this.#inbox.shift()!);
    this.#pumping = false;
    if (this.#inbox.length > 0 || !this.#peerEnds || this.#peerEnded || this.destroyed || !this.reading) return;
    this.#peerEnded = true;
    this.owner.onEnd();
    this.#bothEnded();
  }

  #read(bytes: Buffer): void {
    const buffer = this.#buffer;
    const length = Math.min(bytes.length, buffer.length);
    if (length < bytes.length) this.#inbox.unshift(bytes.subarray(length));
    bytes.copy(buffer, 0, 0, length);
    if (!this.owner.onData(buffer, length)) this.reading = false;
    this.#buffer = this.owner.readBuffer;
    // The owner did not take the buffer away, so the next read goes there: nobody may rely on its bytes.
    if (this.owner.readBuffer === buffer) buffer.fill(0xee, 0, length);
  }

  #bothEnded(): void {
    if (this.ended && this.#peerEnded && this.writableLength === 0) this.destroy();
  }

  #close(error: Error | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.owner.onClose(error);
  }
}

/** The connections to servers that were opened since `forgetOpened`, in order. */
export const opened: FakeSocket[] = [];

/** Where they were opened to, as "host:port" or a path. */
export const openedTo: string[] = [];

export function forgetOpened(): void {
  opened.length = openedTo.length = 0;
}

/** Everything that was put off to a later turn of the event loop has run. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Instead of connect.ts's function of that name: see connect.fixture.ts. */
export function handOverFake(socket: StreamSocket, owner: TransportOwner): void {
  (socket as FakeSocket).owner = owner;
}

/** Instead of connect.ts's function of that name: see connect.fixture.ts. */
export function openFake(target: SocketTarget, owner: ConnectingOwner): FakeSocket {
  const socket = new FakeSocket(owner);
  opened.push(socket);
  openedTo.push("path" in target ? target.path : `${target.host}:${target.port}`);
  return socket;
}
