import { LRUCache } from 'lru-cache';
import { fileIdentity } from '../../bundles/index.ts';

/** Files that are remembered: as many as an archive may have members. */
const MAX = 50_000;

/**
 * Files whose digest this very process made, and that nobody touched since: they need not be digested again to be copied.
 * After a restart nothing is known, as the machine may have lost power and with it what was not on the disk yet.
 */
export class VerifiedFiles {
  readonly #identities = new LRUCache<string, string>({ max: MAX });

  /** Remembers a file as it is now. */
  async add(path: string): Promise<void> {
    this.#identities.set(path, await fileIdentity(path));
  }

  /** Whether the file is the one that was remembered, untouched. */
  async has(path: string): Promise<boolean> {
    const known = this.#identities.get(path);
    return known !== undefined && known === (await fileIdentity(path));
  }
}
