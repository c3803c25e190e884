import type { KeySource } from "../../core/balancing/hash-key.ts";
import type { RouteRequest } from "../../core/routing/route-match.ts";
import type { ClientHello } from "../../tls/client-hello.ts";

/**
 * What is known of a connection that is passed on undecrypted, in the terms of routes and hash keys. The configuration
 * allows no conditions on what is not known here; hash keys that need it fall back on the client's address.
 */
export class HelloRequest implements RouteRequest, KeySource {
  readonly method = "";
  readonly query = "";
  readonly client: string;
  readonly sni: string;

  constructor(client: string, hello: ClientHello) {
    this.client = client;
    this.sni = hello.serverName;
  }

  get host(): string {
    return this.sni || this.client;
  }
  get path(): string {
    return this.client;
  }
  get(): undefined {
    return undefined;
  }
  cookie(): undefined {
    return undefined;
  }
  clientAddress(): string {
    return this.client;
  }
}
