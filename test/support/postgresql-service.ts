/**
 * One PostgreSQL cluster for a whole test run, started when the first test asks for a database: each gets one of its own in it. Test
 * files run in processes of their own, so they ask over HTTP (see test/support/postgresql.ts).
 */
import { execFile } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { tmpdir, userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';
import { freePort } from './free-port.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** POST gives the address of a new database; DELETE with its name ends what uses it, and removes it. */
    postgresqlService: string;
  }
}

/** Where the programs of a server may be. */
export const PATH = [
  process.env['PATH'],
  ...[17, 16, 15, 14].map((major) => `/usr/lib/postgresql/${major}/bin`),
].join(delimiter);

const runFile = promisify(execFile);
const env = { ...process.env, PATH };

interface Cluster {
  readonly port: number;
  readonly remove: () => Promise<void>;
}

/** Called by vitest before the first test file; what it returns is called after the last. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  let started: Promise<Cluster> | undefined;
  let databases = 0;
  const answer = async ({ method, url = '' }: IncomingMessage): Promise<string> => {
    const { port } = await (started ??= start());
    const server = ['-h', '127.0.0.1', '-p', String(port), '-U', 'airlock'];
    if (method === 'DELETE') {
      await runFile('dropdb', [...server, '--force', '--if-exists', url.slice(1)], { env });
      return '';
    }
    databases += 1;
    const name = `airlock_${databases}`;
    await runFile('createdb', [...server, name], { env });
    return `postgresql://airlock@127.0.0.1:${port}/${name}`;
  };
  const service = createServer((request, response) => {
    answer(request).then(
      (text) => response.end(text),
      (error: unknown) => {
        response.statusCode = 503;
        response.end(String(error));
      },
    );
  });
  const port = await new Promise<number>((resolve, reject) => {
    service.listen(0, '127.0.0.1', () => {
      const address = service.address();
      if (typeof address === 'object' && address) resolve(address.port);
      else reject(new Error('cannot listen for the test service'));
    });
  });
  project.provide('postgresqlService', `http://127.0.0.1:${port}`);
  return async () => {
    service.closeAllConnections();
    await new Promise((resolve) => service.close(resolve));
    await started?.then(({ remove }) => remove()).catch(() => undefined);
  };
}

async function start(): Promise<Cluster> {
  const folder = mkdtempSync(join(tmpdir(), 'airlock-postgresql-'));
  const data = join(folder, 'data');
  const port = await freePort();
  // PostgreSQL refuses to run as root: root's tests give the cluster to an account without rights.
  const asRoot = userInfo().uid === 0;
  if (asRoot) chownSync(folder, 65534, 65534);
  const run = async (program: string, ...args: readonly string[]): Promise<void> => {
    const words = asRoot ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : [];
    const [first = '', ...others] = [...words, program, ...args];
    await runFile(first, others, { env });
  };
  await run('initdb', '-D', data, '-A', 'trust', '-U', 'airlock', '--no-sync');
  // Nothing of it outlives the run: what the disk holds does not matter.
  const settings = ['listen_addresses=127.0.0.1', 'max_connections=200', 'fsync=off'];
  const options = [`-p ${port} -k ${folder}`, ...settings.map((setting) => `-c ${setting}`)].join(' ');
  await run('pg_ctl', '-D', data, '-w', '-l', join(folder, 'log'), '-o', options, 'start');
  return {
    port,
    async remove() {
      await run('pg_ctl', '-D', data, '-m', 'immediate', 'stop');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
