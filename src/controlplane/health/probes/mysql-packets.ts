import { createHash, constants, publicEncrypt } from "node:crypto";

/** A packet: its payload, its number in the exchange, and the position behind it. */
export interface MysqlPacket {
  readonly payload: Buffer;
  readonly sequence: number;
  readonly end: number;
}

const MAX_PACKET = 16 * 1024;

/** The packet that begins the bytes, undefined when more is needed, or what is wrong. */
export function parsePacket(bytes: Buffer): MysqlPacket | { readonly wrong: string } | undefined {
  if (bytes.length < 4) return undefined;
  const length = bytes.readUIntLE(0, 3);
  if (length === 0 || length > MAX_PACKET) return { wrong: "a packet of an impossible length" };
  if (bytes.length < 4 + length) return undefined;
  return { payload: bytes.subarray(4, 4 + length), sequence: bytes[3]!, end: 4 + length };
}

export function packet(sequence: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUIntLE(payload.length, 0, 3);
  head[3] = sequence & 0xff;
  return Buffer.concat([head, payload]);
}

/** The server's first packet (protocol 10). */
export interface Greeting {
  readonly version: string;
  /** 20 random bytes. */
  readonly nonce: Buffer;
  readonly plugin: string;
}

/** Reads the first packet; undefined when it is none. */
export function parseGreeting(payload: Buffer): Greeting | undefined {
  const versionEnd = payload.indexOf(0, 1);
  if (payload[0] !== 10 || versionEnd < 0 || payload.length < versionEnd + 16) return undefined;
  const version = payload.toString("latin1", 1, versionEnd);
  const first = payload.subarray(versionEnd + 5, versionEnd + 13);
  // Behind it: a zero, 2 bytes of capabilities, character set, status, 2 more of capabilities, length of the nonce, 10 unused.
  const secondAt = versionEnd + 32;
  const second = payload.subarray(secondAt, secondAt + 12);
  const pluginEnd = payload.indexOf(0, secondAt + 13);
  const plugin = payload.toString("latin1", secondAt + 13, pluginEnd < 0 ? payload.length : pluginEnd);
  return { version, nonce: Buffer.concat([first, second]), plugin: plugin || "mysql_native_password" };
}

/** An error: `ff`, code, and from protocol 4.1 on `#` and SQLSTATE before the message. Undefined when it is none. */
export function parseError(payload: Buffer): { readonly code: number; readonly message: string } | undefined {
  if (payload[0] !== 0xff || payload.length < 3) return undefined;
  const from = payload[3] === 0x23 ? 9 : 3;
  return { code: payload.readUInt16LE(1), message: payload.toString("utf8", from) };
}

// CLIENT_LONG_PASSWORD, PROTOCOL_41, SECURE_CONNECTION, PLUGIN_AUTH.
const CAPABILITIES = 0x1 | 0x200 | 0x8000 | 0x80000;
const UTF8MB4 = 45;

/** The login, in answer to the greeting. */
export function loginPayload(user: string, answer: Buffer, plugin: string): Buffer {
  const head = Buffer.alloc(32);
  head.writeUInt32LE(CAPABILITIES, 0);
  head.writeUInt32LE(MAX_PACKET, 4);
  head[8] = UTF8MB4;
  return Buffer.concat([
    head,
    Buffer.from(`${user}\0`),
    Buffer.from([answer.length]),
    answer,
    Buffer.from(`${plugin}\0`),
  ]);
}

/** What a plugin wants to see of the password; undefined for an unknown plugin. Without a password it is empty. */
export function passwordAnswer(plugin: string, password: string, nonce: Buffer): Buffer | undefined {
  if (plugin !== "mysql_native_password" && plugin !== "caching_sha2_password") {
    return password === "" ? Buffer.alloc(0) : undefined;
  }
  if (password === "") return Buffer.alloc(0);
  const algorithm = plugin === "mysql_native_password" ? "sha1" : "sha256";
  const hash = (...parts: readonly (string | Buffer)[]): Buffer => {
    const hasher = createHash(algorithm);
    for (const part of parts) hasher.update(part);
    return hasher.digest();
  };
  const once = hash(password);
  const twice = hash(once);
  return xor(once, algorithm === "sha1" ? hash(nonce, twice) : hash(twice, nonce));
}

/** The password for the server's eyes only, for `caching_sha2_password` without TLS. Throws for a key that is none. */
export function encryptedPassword(password: string, nonce: Buffer, publicKey: string): Buffer {
  const plain = xor(Buffer.from(`${password}\0`), nonce);
  return publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING }, plain);
}

function xor(bytes: Buffer, key: Buffer): Buffer {
  return Buffer.from(bytes.map((byte, index) => byte ^ key[index % key.length]!));
}
