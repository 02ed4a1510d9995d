import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { HsmError, errorOfFault } from './errors.ts';
import { findSoftHsmModule } from './module-path.ts';
import { faultSchema } from './protocol.ts';
import { SoftHsmFiles, replaceFile, syncPath } from './softhsm-files.ts';

/** The embedded token: where it lives, and its secrets. PINs have 4 to 255 bytes; a label at most 32. */
export interface SoftHsmTokenOptions {
  /** A folder for this token alone; made when it is not there. */
  readonly directory: string;
  readonly label: string;
  readonly pin: string;
  readonly soPin: string;
  /** The module, when it is not in a usual place. */
  readonly modulePath?: string;
}

/** What `openHsm` takes as `module`, under the names it uses. */
export interface SoftHsmModule {
  readonly modulePath: string;
  readonly env: Readonly<Record<string, string>>;
}

const INITIALISATION_LIMIT = 30_000;
const answerSchema = z.object({ fault: faultSchema.optional() });

/**
 * Makes a SoftHSM token, or finds the one that an earlier call made. The folder appears whole or not at all: it is filled
 * under another name and renamed, so a crash leaves nothing that looks like a token. Safe to call from several processes.
 * Throws {@link HsmError} `hsm-module-missing` or `softhsm-unusable`.
 */
export async function createSoftHsmToken(options: SoftHsmTokenOptions): Promise<SoftHsmModule> {
  const modulePath = options.modulePath ?? findSoftHsmModule();
  if (!existsSync(tokensIn(options.directory))) await makeToken(options, modulePath);
  await writeConfiguration(options.directory, options.directory);
  const files = new SoftHsmFiles(options.directory);
  await files.repair();
  await files.keepCopies();
  return { modulePath, env: { SOFTHSM2_CONF: configurationIn(options.directory) } };
}

async function makeToken(options: SoftHsmTokenOptions, modulePath: string): Promise<void> {
  const unfinished = `${options.directory}.${process.pid}-${randomBytes(6).toString('hex')}.part`;
  await mkdir(dirname(options.directory), { recursive: true, mode: 0o700 });
  await mkdir(tokensIn(unfinished), { recursive: true, mode: 0o700 });
  try {
    await writeConfiguration(unfinished, unfinished);
    await initialise(modulePath, configurationIn(unfinished), options);
    const files = new SoftHsmFiles(unfinished);
    await files.keepCopies();
    await files.sync();
    await writeConfiguration(unfinished, options.directory);
    await rename(unfinished, options.directory);
    await syncPath(dirname(options.directory));
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    // Another process was quicker; its token is as good as ours.
    if (existsSync(tokensIn(options.directory))) return;
    if (error instanceof HsmError) throw error;
    throw new HsmError('softhsm-unusable', `cannot make a SoftHSM token in ${options.directory}`, {
      cause: error,
    });
  }
}

async function initialise(
  modulePath: string,
  configuration: string,
  options: SoftHsmTokenOptions,
): Promise<void> {
  const child = fork(new URL('./softhsm-child.ts', import.meta.url), [], {
    serialization: 'advanced',
    execArgv: ['--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], SOFTHSM2_CONF: configuration },
    timeout: INITIALISATION_LIMIT,
    killSignal: 'SIGKILL',
  });
  const answer = await new Promise<unknown>((resolve, reject) => {
    child.once('message', resolve);
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      reject(
        new HsmError(
          'softhsm-unusable',
          `cannot make a SoftHSM token: its process ended with ${signal ?? String(code)}`,
        ),
      );
    });
    const { label, pin, soPin } = options;
    child.send({ module: modulePath, label, pin, soPin }, (error) => error && reject(error));
  });
  const { fault } = answerSchema.parse(answer);
  if (fault?.kind === 'module') throw errorOfFault(fault);
  if (fault) throw new HsmError('softhsm-unusable', `cannot make a SoftHSM token: ${fault.reason}`);
}

/** Written anew at each start, because a data folder may have been moved; SoftHSM knows absolute paths only. */
async function writeConfiguration(folder: string, home: string): Promise<void> {
  const text = [
    `directories.tokendir = ${tokensIn(home)}`,
    'objectstore.backend = file',
    'log.level = ERROR',
    'slots.removable = false',
    '',
  ].join('\n');
  const path = configurationIn(folder);
  if (existsSync(path) && (await readFile(path, 'utf8')) === text) return;
  await replaceFile(path, text);
}

function tokensIn(folder: string): string {
  return join(folder, 'tokens');
}

function configurationIn(folder: string): string {
  return join(folder, 'softhsm2.conf');
}
