import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import { SecretError } from './secret-error.ts';

/** A master key of 32 bytes; its id is made from it, so that a sealed text names its key without telling it. */
export interface MasterKey {
  readonly id: string;
  readonly key: Uint8Array;
}

/** A key that was derived for one purpose, with the id of its master key. */
export interface DerivedKey {
  readonly id: string;
  readonly key: Uint8Array;
}

export const MASTER_KEY_BYTES = 32;
const PREFIX = 'airlock-sealed';
const VERSION = 'v1';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Names a master key of 32 bytes. */
export function masterKey(key: Uint8Array): MasterKey {
  if (key.length !== MASTER_KEY_BYTES) {
    throw new SecretError(
      'invalid',
      'master-key-invalid',
      `cannot use a master key of ${key.length} bytes: it must have 32`,
    );
  }
  const id = createHash('sha256').update('airlock master key id').update(key).digest('hex').slice(0, 16);
  return { id, key: Uint8Array.from(key) };
}

/**
 * Seals secrets at rest with AES-256-GCM. The name of a secret is authenticated with it, so a sealed text that is moved to
 * another name does not open. The text form is `airlock-sealed:v1:<key id>:<base64url of nonce, ciphertext, tag>`.
 *
 * The first key of the ring seals, all of them open: so after a rotation old texts stay readable until they are resealed.
 */
export class SecretBox {
  #ring: readonly [MasterKey, ...MasterKey[]];
  readonly #reread: (() => readonly MasterKey[]) | undefined;

  /**
   * Takes the ring, newest key first. Throws {@link SecretError} `master-key-invalid` when it is empty.
   * @param reread the ring as it is kept now; asked when a text names an unknown key, as after a rotation by another process
   */
  constructor(ring: readonly MasterKey[], reread?: () => readonly MasterKey[]) {
    this.#ring = nonEmpty(ring);
    this.#reread = reread;
  }

  /** The id of the key that seals now. */
  get keyId(): string {
    return this.#ring[0].id;
  }

  /** Ids of all keys that can open, newest first. */
  get keyIds(): readonly string[] {
    return this.#ring.map(({ id }) => id);
  }

  /** Seals a secret under its name; the same secret never gives the same text twice. */
  seal(name: string, secret: string): string {
    const { id, key } = this.#ring[0];
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(associatedData(id, name));
    const sealed = Buffer.concat([nonce, cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return [PREFIX, VERSION, id, sealed.toString('base64url')].join(':');
  }

  /** Opens what {@link seal} made under the same name. Throws {@link SecretError}. */
  open(name: string, sealed: string): string {
    const { keyId, data } = parse(name, sealed);
    const found = this.#keyOf(keyId);
    if (!found) {
      throw new SecretError(
        'internal',
        'secret-key-unknown',
        `cannot open the secret "${name}": it was sealed with master key ${keyId}, which this machine does not have; restore that key`,
      );
    }
    const nonce = data.subarray(0, NONCE_BYTES);
    const decipher = createDecipheriv('aes-256-gcm', found.key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(associatedData(keyId, name)).setAuthTag(data.subarray(data.length - TAG_BYTES));
    try {
      const opened = decipher.update(data.subarray(NONCE_BYTES, data.length - TAG_BYTES));
      return Buffer.concat([opened, decipher.final()]).toString('utf8');
    } catch {
      throw new SecretError(
        'internal',
        'secret-unopenable',
        `cannot open the secret "${name}": its sealed text was changed or belongs to another name`,
      );
    }
  }

  #keyOf(keyId: string): MasterKey | undefined {
    const known = this.#ring.find(({ id }) => id === keyId);
    if (known || !this.#reread) return known;
    this.#ring = nonEmpty(this.#reread());
    return this.#ring.find(({ id }) => id === keyId);
  }

  /** Whether a sealed text was made with an older key than the one that seals now. */
  isStale(sealed: string): boolean {
    return parse('', sealed).keyId !== this.keyId;
  }

  /** The same secret sealed with the newest key; the text as it is when that sealed it already. */
  reseal(name: string, sealed: string): string {
    return this.isStale(sealed) ? this.seal(name, this.open(name, sealed)) : sealed;
  }

  /** Seals with another key from now on; the ring so far still opens. Who kept sealed texts reseals them afterwards. */
  rotate(newest: MasterKey): void {
    this.#ring = [newest, ...this.#ring.filter(({ id }) => id !== newest.id)];
  }

  /**
   * Keys of 32 bytes for one purpose, one from each master key, newest first (HKDF-SHA256 with the purpose as info). For
   * parts that seal by themselves, as the codec of workflow payloads does.
   */
  deriveKeys(purpose: string): readonly [DerivedKey, ...DerivedKey[]] {
    const [newest, ...older] = this.#ring;
    return [derive(newest, purpose), ...older.map((key) => derive(key, purpose))];
  }
}

function derive({ id, key }: MasterKey, purpose: string): DerivedKey {
  const derived = hkdfSync('sha256', key, Buffer.alloc(0), `airlock ${purpose}`, MASTER_KEY_BYTES);
  return { id, key: new Uint8Array(derived) };
}

/** The version and key are authenticated too, so that no text can be relabelled. */
function associatedData(keyId: string, name: string): Buffer {
  return Buffer.from(`${PREFIX}:${VERSION}:${keyId}:${name}`, 'utf8');
}

function parse(name: string, sealed: string): { keyId: string; data: Buffer } {
  const [prefix, version, keyId, text, ...rest] = sealed.split(':');
  const data = Buffer.from(text ?? '', 'base64url');
  const known = prefix === PREFIX && version === VERSION && rest.length === 0;
  if (!known || keyId === undefined || data.length < NONCE_BYTES + TAG_BYTES) {
    throw new SecretError(
      'internal',
      'secret-form-unknown',
      `cannot open the secret "${name}": it is not a sealed text that we know`,
    );
  }
  return { keyId, data };
}

function nonEmpty(ring: readonly MasterKey[]): readonly [MasterKey, ...MasterKey[]] {
  const [first, ...others] = ring;
  if (first) return [first, ...others];
  throw new SecretError('invalid', 'master-key-invalid', 'cannot seal secrets: there is no master key');
}
