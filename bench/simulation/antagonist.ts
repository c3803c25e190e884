import type { Random } from "../../src/core/random.ts";
import { exponential } from "./chance.ts";

/** Other programs on the servers' machines that take a part of their speed now and then (as in the Prequal paper). */
export interface AntagonistModel {
  /** Mean times in ms that one is there and is not. */
  readonly on: number;
  readonly off: number;
  /** Share of the speed that one takes: evenly distributed between these. */
  readonly least: number;
  readonly most: number;
}

/** Share of the speed that is left on average. */
export function meanSpeedLeft(model: AntagonistModel | undefined): number {
  if (model === undefined) return 1;
  return 1 - ((model.on / (model.on + model.off)) * (model.least + model.most)) / 2;
}

/** The antagonist of one machine: comes and goes. */
export class Antagonist {
  /** Share of the speed that it leaves now. */
  left = 1;
  /** When that changes next, ms. */
  changesAt: number;
  readonly #model: AntagonistModel;
  readonly #random: Random;

  constructor(model: AntagonistModel, random: Random) {
    this.#model = model;
    this.#random = random;
    this.changesAt = exponential(random, model.off);
  }

  change(): void {
    const { on, off, least, most } = this.#model;
    const comes = this.left === 1;
    this.left = comes ? 1 - (least + (most - least) * this.#random()) : 1;
    this.changesAt += exponential(this.#random, comes ? on : off);
  }
}
