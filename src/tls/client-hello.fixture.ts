import {
  COMPLETE,
  ClientHelloReader,
  NEED_MORE,
  REFUSED,
  type HelloLimits,
  type ReaderState,
} from "./client-hello-reader.ts";
import type { ClientHello } from "./client-hello.ts";

/** A number in network order. */
export function number(value: number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  bytes.writeUIntBE(value, 0, size);
  return bytes;
}

/** A vector: its length in `size` bytes, then its contents. */
export function vector(size: number, ...contents: readonly Uint8Array[]): Buffer {
  const all = Buffer.concat(contents);
  return Buffer.concat([number(all.length, size), all]);
}

export function extension(type: number, ...data: readonly Uint8Array[]): Buffer {
  return Buffer.concat([number(type, 2), vector(2, ...data)]);
}

/** One entry of the list in server_name. */
export function serverName(name: string, type = 0): Buffer {
  return Buffer.concat([number(type, 1), vector(2, Buffer.from(name, "latin1"))]);
}

export function sni(...names: readonly string[]): Buffer {
  return extension(0, vector(2, ...names.map((name) => serverName(name))));
}

export function alpn(...names: readonly string[]): Buffer {
  return extension(16, vector(2, ...names.map((name) => vector(1, Buffer.from(name, "latin1")))));
}

export function versions(...list: readonly number[]): Buffer {
  return extension(43, vector(1, ...list.map((version) => number(version, 2))));
}

/** What a hello is made of; what is not given is as usual. */
export interface HelloParts {
  readonly legacyVersion?: number;
  readonly session?: Uint8Array;
  readonly ciphers?: readonly number[];
  readonly compressions?: Uint8Array;
  /** Null leaves out even their length. */
  readonly extensions?: readonly Uint8Array[] | null;
}

/** A ClientHello with the header of its message. */
export function helloMessage(parts: HelloParts = {}): Buffer {
  const { legacyVersion = 0x0303, session = Buffer.alloc(32, 7), ciphers = [0x1301, 0xc02f] } = parts;
  const body = [
    number(legacyVersion, 2),
    Buffer.alloc(32, 9),
    vector(1, session),
    vector(2, ...ciphers.map((cipher) => number(cipher, 2))),
    vector(1, parts.compressions ?? Buffer.of(0)),
  ];
  if (parts.extensions !== null) body.push(vector(2, ...(parts.extensions ?? [])));
  return Buffer.concat([Buffer.of(1), vector(3, ...body)]);
}

/** The message in records of these lengths; the last one repeats until nothing is left. */
export function inRecords(message: Uint8Array, lengths: readonly number[] = [16_384], minor = 1): Buffer {
  const records: Buffer[] = [];
  for (let at = 0, i = 0; at < message.length; i++) {
    const length = lengths[Math.min(i, lengths.length - 1)]!;
    const fragment = message.subarray(at, at + length);
    records.push(Buffer.of(22, 3, minor), vector(2, fragment));
    at += fragment.length;
  }
  return Buffer.concat(records);
}

/** What came of some bytes, in one value that can be compared. */
export interface Reading {
  readonly state: ReaderState;
  readonly hello: ClientHello | null;
  readonly reason: string | undefined;
}

/** Reads bytes in pieces of these lengths; the last one repeats. */
export function readHello(bytes: Uint8Array, pieces: readonly number[] = [65_536], limits?: HelloLimits): Reading {
  const reader = new ClientHelloReader(limits);
  let state: ReaderState = NEED_MORE;
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const length = pieces[Math.min(i, pieces.length - 1)]!;
    state = reader.read(bytes, at, Math.min(bytes.length, at + length));
    at += length;
  }
  if ((state === COMPLETE) !== (reader.hello !== null) || (state === REFUSED) !== (reader.fault !== null))
    throw new Error("state and result disagree");
  return { state, hello: reader.hello, reason: reader.fault?.reason };
}
