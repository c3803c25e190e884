/** The protocols of a server or a client in ALPN, best first. */
export class AlpnList {
  readonly names: readonly string[];
  /** As in a hello: each name behind its length (RFC 7301 3.1). */
  readonly wireFormat: Buffer;

  constructor(...names: readonly string[]) {
    this.names = names;
    this.wireFormat = Buffer.concat(
      names.map((name) => Buffer.from(String.fromCharCode(name.length) + name, "latin1")),
    );
  }
}
