import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, readFile, readdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Longer than any process takes between emptying a token's file and filling it again. */
const WRITE_WINDOW = 300;
/** A token's own file holds its label, serial number, and the key of all its keys, sealed by either PIN. */
const TOKEN_FILE = 'token.object';

/**
 * The files of an embedded SoftHSM token. At every log-in SoftHSM empties a token's own file and writes it anew, unlocked
 * and not synced: a process killed in between, or a power cut, leaves a token that nobody can open, and with it all its keys.
 * So a copy is kept beside the tokens and put back when the file is broken; and what was made is synced to the disk.
 */
export class SoftHsmFiles {
  readonly #tokens: string;
  readonly #copies: string;

  /** `directory` is what `createSoftHsmToken` made. */
  constructor(directory: string) {
    this.#tokens = join(directory, 'tokens');
    this.#copies = join(directory, 'token-copies');
  }

  /** The files of the token that a module's environment points to, when it was made by `createSoftHsmToken`. */
  static of(env: Readonly<Record<string, string>>): SoftHsmFiles | undefined {
    const configuration = env['SOFTHSM2_CONF'];
    if (configuration === undefined) return undefined;
    const files = new SoftHsmFiles(dirname(configuration));
    return existsSync(files.#copies) ? files : undefined;
  }

  /** Puts back each token file that is broken, after time enough for whoever may be writing it. Cheap when all are well. */
  async repair(): Promise<void> {
    if ((await this.#broken()).length === 0) return;
    await sleep(WRITE_WINDOW);
    for (const name of await this.#broken()) {
      await replaceFile(join(this.#tokens, name, TOKEN_FILE), await readFile(this.#copyOf(name)));
    }
  }

  /** Copies each token file that is sound and differs from its copy, as after a change of PIN. */
  async keepCopies(): Promise<void> {
    await mkdir(this.#copies, { recursive: true, mode: 0o700 });
    const broken = new Set(await this.#broken());
    for (const name of await this.#names()) {
      const now = await readIfThere(join(this.#tokens, name, TOKEN_FILE));
      const copy = await readIfThere(this.#copyOf(name));
      if (broken.has(name) || !now || now.length === 0 || (copy && now.equals(copy))) continue;
      await replaceFile(this.#copyOf(name), now);
    }
  }

  /** Brings everything that SoftHSM wrote to the disk; it does not do so itself. */
  async sync(): Promise<void> {
    for (const name of await this.#names()) {
      const folder = join(this.#tokens, name);
      for (const file of await readdir(folder)) await syncUnlessGone(join(folder, file));
      await syncPath(folder);
    }
    await syncPath(this.#tokens);
  }

  /** Tokens whose file is shorter than its copy, or lost the fixed part at its beginning. */
  async #broken(): Promise<string[]> {
    const found: string[] = [];
    for (const name of await this.#names()) {
      const copy = await readIfThere(this.#copyOf(name));
      if (!copy) continue;
      const now = await readIfThere(join(this.#tokens, name, TOKEN_FILE));
      const sound = now && now.length >= copy.length && now.subarray(0, 16).equals(copy.subarray(0, 16));
      if (!sound) found.push(name);
    }
    return found;
  }

  async #names(): Promise<string[]> {
    if (!existsSync(this.#tokens)) return [];
    const entries = await readdir(this.#tokens, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  }

  #copyOf(name: string): string {
    return join(this.#copies, `${name}.object`);
  }
}

/** Replaces a file whole or not at all, for its owner alone, and durably. */
export async function replaceFile(path: string, content: string | Uint8Array): Promise<void> {
  const unfinished = `${path}.${process.pid}-${randomBytes(6).toString('hex')}.part`;
  const file = await open(unfinished, 'wx', 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(unfinished, path);
  await syncPath(dirname(path));
}

/** Brings a file or the entries of a folder to the disk. */
export async function syncPath(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Another process may be removing objects at this moment: of what is gone, the folder tells the disk. */
async function syncUnlessGone(path: string): Promise<void> {
  try {
    await syncPath(path);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  return readFile(path).catch(() => undefined);
}
