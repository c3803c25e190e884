import type { SharedConnection } from "./server-connection.ts";

/** The connections to one server that carry many requests at one time. They are few: each is asked. */
export class SharedConnections {
  readonly #list: SharedConnection[] = [];

  add(connection: SharedConnection): void {
    this.#list.push(connection);
  }

  remove(connection: SharedConnection): void {
    const index = this.#list.indexOf(connection);
    if (index >= 0) this.#list.splice(index, 1);
  }

  /** The oldest that takes one more request: full ones make for long writes, and those behind may become unused. */
  withRoom(): SharedConnection | undefined {
    const list = this.#list;
    for (let i = 0; i < list.length; i++) if (list[i]!.hasRoom) return list[i];
    return undefined;
  }

  /** The server allows no request at all on one of them, for now: another connection would not help. */
  get forbidden(): boolean {
    return this.#list.some(({ capacity, leaving }) => capacity === 0 && !leaving);
  }

  /** How many nobody uses. */
  get unused(): number {
    let count = 0;
    for (let i = 0; i < this.#list.length; i++) if (this.#list[i]!.unused) count++;
    return count;
  }

  get size(): number {
    return this.#list.length;
  }

  /** Closes one: one that nobody uses if there is any, else one as soon as its requests are answered. */
  leaveOne(): void {
    const staying = this.#list.filter((connection) => !connection.leaving);
    (staying.find((connection) => connection.unused) ?? staying[0])?.leave();
  }

  /** Closes all that nobody uses, and the others when they are done. */
  leaveUnused(): void {
    for (const connection of this.#list.slice()) connection.leave();
  }
}
