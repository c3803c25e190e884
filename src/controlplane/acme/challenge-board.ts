import type { AcmeCertificates, Challenges } from "./certificate-port.ts";

/** All answers to authorities that are about to look, put together for the workers. */
export class ChallengeBoard {
  readonly #certificates: AcmeCertificates;
  #shown: readonly Partial<Challenges>[] = [];

  constructor(certificates: AcmeCertificates) {
    this.#certificates = certificates;
  }

  /** Adds answers. Resolves, when all workers have them, with what takes them away again. */
  async add(challenges: Partial<Challenges>): Promise<() => Promise<void>> {
    this.#shown = [...this.#shown, challenges];
    const remove = (): Promise<void> => {
      this.#shown = this.#shown.filter((other) => other !== challenges);
      return this.#publish();
    };
    try {
      await this.#publish();
    } catch (error) {
      await remove().catch(() => undefined);
      throw error;
    }
    return remove;
  }

  #publish(): Promise<void> {
    return this.#certificates.setChallenges({
      http: Object.assign({}, ...this.#shown.map(({ http }) => http)) as Challenges["http"],
      alpn: Object.assign({}, ...this.#shown.map(({ alpn }) => alpn)) as Challenges["alpn"],
    });
  }
}
