import { Alert, type TlsFault } from "./alert.ts";
import { ByteCursor } from "./byte-cursor.ts";
import { readServerName } from "./server-name.ts";

/** What a client says about itself in its first message, as far as it helps to choose a server. */
export interface ClientHello {
  /** Host name that the client asks for, in lower case, without a dot at the end; "" without a (usable) one. */
  readonly serverName: string;
  /** Protocols in the client's order (RFC 7301), one character per byte; empty without ALPN. */
  readonly alpn: readonly string[];
  /** Versions that the client speaks, such as 0x0304 for TLS 1.3, in its order. */
  readonly versions: readonly number[];
  /**
   * An encrypted ClientHello is there, or something made to look like it: `serverName` may then be only the public name
   * of the server that can decrypt it.
   */
  readonly hasEncryptedHello: boolean;
  /** Cipher suites in the client's order, such as 0x1301. */
  readonly cipherSuites: readonly number[];
  /** What the client verifies signatures with, such as 0x0403 for ECDSA on P-256; empty when it does not say. */
  readonly signatureSchemes: readonly number[];
}

const SERVER_NAME = 0;
const SIGNATURE_ALGORITHMS = 13;
const APPLICATION_PROTOCOLS = 16;
const SUPPORTED_VERSIONS = 43;
const ENCRYPTED_CLIENT_HELLO = 0xfe0d;

/** SSL 3.0: what is older has another hello. */
const OLDEST = 0x0300;

const MALFORMED: TlsFault = { alert: Alert.decodeError, reason: "the ClientHello is malformed" };

/**
 * Reads the body of a ClientHello, bytes[start, end), without the four bytes of its header (RFC 8446 4.1.2). Values that
 * are reserved to keep others tolerant (GREASE, RFC 8701) and all unknown extensions are passed over; an extension that
 * comes twice is refused (RFC 8446 4.2), because two readers could take a different one of them.
 */
export function parseClientHello(bytes: Uint8Array, start: number, end: number): ClientHello | TlsFault {
  const body = new ByteCursor(bytes, start, end);
  const legacyVersion = body.number(2);
  body.skip(32);
  const session = body.vector(1);
  const ciphers = body.vector(2);
  const compressions = body.vector(1);
  if (body.failed || session.left > 32 || ciphers.left === 0 || ciphers.left % 2 !== 0) return MALFORMED;
  if (compressions.left === 0) return MALFORMED;
  if (legacyVersion < OLDEST) return { alert: Alert.protocolVersion, reason: "older than SSL 3.0" };

  let serverName = "";
  let alpn: readonly string[] | undefined = [];
  let versions: readonly number[] | undefined = [legacyVersion];
  let hasEncryptedHello = false;
  let signatureSchemes: readonly number[] | undefined = [];
  const cipherSuites = readNumbers(ciphers);
  // A client without extensions may leave out even their length (RFC 5246 7.4.1.2).
  if (body.left > 0) {
    const extensions = body.vector(2);
    if (body.failed || body.left !== 0) return MALFORMED;
    const seen = new Set<number>();
    while (extensions.left > 0) {
      const type = extensions.number(2);
      const data = extensions.vector(2);
      if (extensions.failed) return MALFORMED;
      if (seen.has(type)) return { alert: Alert.illegalParameter, reason: "an extension comes twice" };
      seen.add(type);
      if (type === SERVER_NAME) {
        const result = readServerName(data);
        if ("alert" in result) return result;
        serverName = result.name;
      } else if (type === APPLICATION_PROTOCOLS) alpn = readProtocols(data);
      else if (type === SUPPORTED_VERSIONS) versions = readVersions(data);
      else if (type === SIGNATURE_ALGORITHMS) signatureSchemes = readSignatureSchemes(data);
      else if (type === ENCRYPTED_CLIENT_HELLO) hasEncryptedHello = true;
    }
  }
  if (alpn === undefined || versions === undefined || signatureSchemes === undefined) return MALFORMED;
  return { serverName, alpn, versions, hasEncryptedHello, cipherSuites, signatureSchemes };
}

/** A list of names that are not empty (RFC 7301 3.1). */
function readProtocols(extension: ByteCursor): string[] | undefined {
  const list = extension.vector(2);
  if (list.failed || list.left === 0 || extension.left !== 0) return undefined;
  const names: string[] = [];
  while (list.left > 0) {
    const name = list.vector(1);
    if (list.failed || name.left === 0) return undefined;
    names.push(name.text());
  }
  return names;
}

/** RFC 8446 4.2.1, without GREASE. */
function readVersions(extension: ByteCursor): number[] | undefined {
  const list = extension.vector(1);
  if (list.failed || list.left === 0 || list.left % 2 !== 0 || extension.left !== 0) return undefined;
  return readNumbers(list).filter((version) => !isGrease(version));
}

/** RFC 8446 4.2.3. */
function readSignatureSchemes(extension: ByteCursor): number[] | undefined {
  const list = extension.vector(2);
  if (list.failed || list.left === 0 || list.left % 2 !== 0 || extension.left !== 0) return undefined;
  return readNumbers(list);
}

/** Numbers of two bytes, to the end. */
function readNumbers(list: ByteCursor): number[] {
  const numbers: number[] = [];
  while (list.left > 0) numbers.push(list.number(2));
  return numbers;
}

/** Two equal bytes whose lower half is 1010 (RFC 8701 2). */
function isGrease(value: number): boolean {
  return (value & 0x0f0f) === 0x0a0a && value >>> 8 === (value & 0xff);
}
