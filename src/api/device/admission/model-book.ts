import { decodeAssertion, type Assertion } from '../../../assertions/index.ts';
import {
  OPEN_ENROLMENT,
  parseEnrolmentPolicy,
  type ApiKeyRecord,
  type EnrolmentPolicy,
} from '../../../devices/index.ts';
import { findAssertion, type Queries } from '../../../storage/index.ts';
import {
  findSigningKey,
  hasForeignSerials,
  listApiKeys,
  listModels,
  listPolicies,
  listRemodel,
  modelSecretSalts,
  type SigningKeyRecord,
} from '../../../storage/model-service/index.ts';

/** A model with all that its serials depend on, as the database has it. */
export interface ModelEntry {
  readonly enrolment: EnrolmentPolicy;
  readonly apiKeys: readonly ApiKeyRecord[];
  /** The key of the serial policy in force; undefined when there is no policy. */
  readonly signing: SigningEntry | undefined;
  /** The salts of the model's secrets, by what they are for; absent where they were never rotated. */
  readonly salts: { readonly claims?: string | undefined; readonly webhook?: string | undefined };
  /** Whether the brand took over serials that another service signed. */
  readonly hasForeignSerials: boolean;
  /** Whether the brand says at all who may remodel. */
  readonly hasRemodelRules: boolean;
}

/** The key that signs a model's serials. */
export interface SigningEntry {
  readonly keyId: string;
  /** Undefined when the key is not one of the service. */
  readonly key: SigningKeyRecord | undefined;
  readonly accountKey: Assertion | undefined;
}

/** The counters of src/storage/generations.ts that tell whether what is in memory still holds. */
interface Stamp {
  readonly catalog: number;
  readonly settings: number;
}

/** Finds a model by brand and name. */
export type ModelOf = (brandId: string, model: string) => ModelEntry | undefined;

/**
 * The models of the brands that ask, kept in memory for as long as no process changed anything: one small query tells.
 */
export class ModelBook {
  #stamp: Stamp = { catalog: -1, settings: -1 };
  #brands = new Map<string, ReadonlyMap<string, ModelEntry>>();
  #keys = new Map<string, SigningEntry>();

  /** The models of the given brands. Everything in the book is as new as the last call of this. */
  async read(queries: Queries, brandIds: Iterable<string>): Promise<ModelOf> {
    const stamp = await readStamp(queries);
    if (stamp.catalog !== this.#stamp.catalog || stamp.settings !== this.#stamp.settings) {
      this.#stamp = stamp;
      this.#brands = new Map();
      this.#keys = new Map();
    }
    const brands = this.#brands;
    for (const brandId of brandIds) {
      if (!brands.has(brandId)) brands.set(brandId, await readBrand(queries, brandId));
    }
    return (brandId, model) => brands.get(brandId)?.get(model);
  }

  /** Any signing key, one of no policy too. */
  async signingOf(queries: Queries, keyId: string): Promise<SigningEntry> {
    const known = this.#keys.get(keyId) ?? (await readSigning(queries, keyId));
    this.#keys.set(keyId, known);
    return known;
  }
}

async function readStamp(queries: Queries): Promise<Stamp> {
  const rows = await queries.selectFrom('Generation').select(['name', 'value']).execute();
  const value = (name: string) => rows.find((row) => row.name === name)?.value ?? 0;
  return { catalog: value('catalog'), settings: value('settings') };
}

async function readBrand(queries: Queries, brandId: string): Promise<ReadonlyMap<string, ModelEntry>> {
  const models = await listModels(queries, brandId);
  if (models.length === 0) return new Map();
  const apiKeys = await listApiKeys(queries, brandId);
  const policies = await listPolicies(queries, brandId);
  const foreign = await hasForeignSerials(queries, brandId);
  const salts = await modelSecretSalts(queries, brandId);
  const rules = await listRemodel(queries, brandId, { after: 0, limit: 1 });
  const entries = new Map<string, ModelEntry>();
  for (const model of models) {
    const keyId = policies.findLast((policy) => policy.modelName === model.name)?.keyId;
    entries.set(model.name, {
      enrolment:
        Object.keys(model.enrolment).length === 0 ? OPEN_ENROLMENT : parseEnrolmentPolicy(model.enrolment),
      apiKeys: apiKeys
        .filter((key) => key.modelName === model.name)
        .map((key) => ({
          name: key.name,
          digest: key.hash,
          expiresAt: key.validUntil === null ? undefined : new Date(key.validUntil),
          blocked: false,
        })),
      signing: keyId === undefined ? undefined : await readSigning(queries, keyId),
      salts: Object.fromEntries(
        salts.filter(({ modelName }) => modelName === model.name).map(({ kind, salt }) => [kind, salt]),
      ),
      hasForeignSerials: foreign,
      hasRemodelRules: rules.length > 0,
    });
  }
  return entries;
}

/** A signing key with its account-key. */
async function readSigning(queries: Queries, keyId: string): Promise<SigningEntry> {
  const key = await findSigningKey(queries, keyId);
  const kept = await findAssertion(queries, 'account-key', [keyId]);
  return { keyId, key, accountKey: kept && decodeAssertion(kept.bytes) };
}
