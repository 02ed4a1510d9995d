import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { decodeStream, optionalText, text, type Assertion } from '../../../src/assertions/index.ts';

const snapSchema = z.object({
  name: z.string(),
  'snap-id': z.string(),
  type: z.string(),
  base: z.string().optional(),
  store: z.string(),
  private: z.boolean(),
  summary: z.string(),
  description: z.string(),
  title: z.string(),
  license: z.string(),
  publisher: z.object({ id: z.string() }),
  revisions: z.array(
    z.object({
      revision: z.number(),
      file: z.string(),
      size: z.number(),
      'sha3-384': z.string(),
      version: z.string(),
      architecture: z.string(),
      'created-at': z.string(),
    }),
  ),
  'channel-map': z.array(
    z.object({
      track: z.string(),
      risk: z.string(),
      architecture: z.string(),
      revision: z.number(),
      'released-at': z.string(),
    }),
  ),
});

const manifestSchema = z.object({
  'api-keys': z.record(z.string(), z.string()),
  models: z.record(z.string(), z.string()),
  snaps: z.array(snapSchema),
  'other-snaps': z.array(snapSchema),
  'all-assertions': z.string(),
});

/** One snap as devicesim describes it. */
export type ChainSnap = z.infer<typeof snapSchema>;

/** What `devicesim chain` made: two brands with their stores, models and snaps, all signed below a test root. */
export class Chain {
  readonly folder: string;
  readonly assertions: readonly Assertion[];
  readonly #manifest: z.infer<typeof manifestSchema>;

  private constructor(
    folder: string,
    manifest: z.infer<typeof manifestSchema>,
    assertions: readonly Assertion[],
  ) {
    this.folder = folder;
    this.#manifest = manifest;
    this.assertions = assertions;
  }

  /** Reads the folder that `devicesim chain --out` filled. */
  static async read(folder: string): Promise<Chain> {
    const manifest = manifestSchema.parse(JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')));
    const bytes = await readFile(join(folder, manifest['all-assertions']));
    return new Chain(folder, manifest, decodeStream(bytes));
  }

  /** The root account and its key. */
  get root(): string {
    return join(this.folder, 'trusted.assert');
  }

  path(relative: string): string {
    return join(this.folder, relative);
  }

  /** The file with a model assertion. */
  modelFile(model: string): string {
    return this.path(this.#manifest.models[model] ?? `no-model-${model}`);
  }

  /** The API key that the gadget of a model carries. */
  apiKey(model: string): string {
    return this.#manifest['api-keys'][model] ?? '';
  }

  /** Every snap: the general store's have no store of their own. */
  get snaps(): readonly ChainSnap[] {
    return [...this.#manifest.snaps, ...this.#manifest['other-snaps']];
  }

  /** The snap-revision of a snap's file, and every revision of its declaration. */
  assertionsOf(snapId: string, revision: number): readonly Assertion[] {
    return this.assertions.filter(
      (one) =>
        optionalText(one, 'snap-id') === snapId &&
        (one.type === 'snap-declaration' ||
          (one.type === 'snap-revision' && text(one, 'snap-revision') === String(revision))),
    );
  }
}
