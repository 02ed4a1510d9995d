import { AirlockError } from '../../errors.ts';
import { unclaimedUploads } from '../../storage/authority/index.ts';
import { receiveUpload, type IntakeDeps } from './receive-upload.ts';

/** How much may come in from people who have not said who they are. */
export interface IntakeLimits {
  /** Uploads under way at once. */
  readonly underWay: number;
  /** Files that wait to be claimed. */
  readonly files: number;
  /** Their bytes together. */
  readonly bytes: number;
}

const LIMITS: IntakeLimits = { underWay: 16, files: 256, bytes: 64 * 1024 ** 3 };

/**
 * Takes in files that nobody has claimed yet. Clients send them with no credential (protocol/publishers.md, section 6.1),
 * so what lies here unclaimed is bounded, and a sweep removes it after a day.
 */
export class UploadIntake {
  readonly #deps: IntakeDeps;
  readonly #limits: IntakeLimits;
  #underWay = 0;

  constructor(deps: IntakeDeps, limits: IntakeLimits = LIMITS) {
    this.#deps = deps;
    this.#limits = limits;
  }

  /**
   * Keeps one file.
   *
   * @returns the id under which it can be claimed
   * @throws AirlockError `uploads-full`, which clients try again after; and as `receiveUpload`
   */
  async receive(bytes: AsyncIterable<Uint8Array>, fileName: string): Promise<string> {
    if (this.#underWay >= this.#limits.underWay) throw full('too many uploads are under way');
    this.#underWay += 1;
    try {
      const waiting = await unclaimedUploads(this.#deps.database.queries);
      if (waiting.files >= this.#limits.files || waiting.bytes >= this.#limits.bytes) {
        throw full('too many files wait to be claimed');
      }
      return await receiveUpload(this.#deps, bytes, fileName);
    } finally {
      this.#underWay -= 1;
    }
  }
}

function full(why: string): AirlockError {
  return new AirlockError(
    'unavailable',
    'uploads-full',
    `cannot take the upload now: ${why}; try again later`,
  );
}
