import { ANY_ARCHITECTURE, parseChannel, type Channel } from '../../snaps/index.ts';
import { generation, overrideRows, type Queries } from '../../storage/index.ts';

/** An override, as it bears on what goes through this host. */
export interface Pin {
  readonly snapId: string;
  readonly snapName: string;
  readonly channel: Channel;
  readonly architecture: string;
  readonly revision: number;
  readonly changedAt: string;
}

/** The overrides of this host, in memory until some process changes one. */
export class PinBook {
  readonly #queries: Queries;
  #seen: number | undefined;
  #pins: readonly Pin[] = [];

  constructor(queries: Queries) {
    this.#queries = queries;
  }

  /** Those for devices of an architecture, one with that very architecture before one for all; all of them without. */
  async pins(architecture?: string): Promise<readonly Pin[]> {
    const now = await generation(this.#queries, 'catalog');
    if (now !== this.#seen) {
      const rows = await overrideRows(this.#queries);
      this.#pins = rows.flatMap(({ snapId, channel, ...row }) => {
        const { trackGiven: _given, ...place } = parseChannel(channel);
        return snapId === null ? [] : [{ ...row, snapId, channel: place }];
      });
      this.#seen = now;
    }
    if (architecture === undefined) return this.#pins;
    return this.#pins
      .filter((pin) => pin.architecture === architecture || pin.architecture === ANY_ARCHITECTURE)
      .toSorted((one, other) => rank(one) - rank(other));
  }
}

function rank({ architecture }: Pin): number {
  return architecture === ANY_ARCHITECTURE ? 1 : 0;
}
