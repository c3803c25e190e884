import type { Http2Owner } from "./peer.ts";
import type { Sender } from "./sender.ts";

/** When the owner is told that there is output: once until it has taken all, and not while it is about to look anyway. */
export class OutputTurns {
  private readonly sender: Sender;
  private readonly owner: Http2Owner;
  /** Calls of the owner's that are under way, behind which it looks, or is told. */
  private batches = 0;
  private announced = false;

  constructor(sender: Sender, owner: Http2Owner) {
    this.sender = sender;
    this.owner = owner;
  }

  enter(): void {
    this.batches++;
  }

  leave(): void {
    this.batches--;
  }

  /** There may be output. */
  announce(): void {
    if (this.announced || this.batches > 0 || !this.sender.hasOutput) return;
    this.announced = true;
    this.owner.onOutput();
  }

  /** The owner has taken all. */
  allTaken(): void {
    this.announced = false;
  }
}
