import { execFile } from 'node:child_process';
import {
  appendFile,
  chmod,
  chown,
  cp,
  lstat,
  mkdtemp,
  readFile,
  readdir,
  readlink,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const COMMANDS = ['airlock', 'enterprise-store', 'snap-proxy', 'snap-store-proxy', 'store-admin'];
/** Nobody in particular. */
const STRANGER = 65_534;

let folder: string;
let archive: string;
/** The kit, unpacked. */
let kit: string;
let name: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'airlock-kit-'));
  await chmod(folder, 0o755);
  archive = await make(join(folder, 'one'));
  kit = await unpack(archive, 'unpacked');
  name = (await readFile(join(kit, 'NAME'), 'utf8')).trim();
}, 600_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

async function make(out: string): Promise<string> {
  const { stdout } = await run(process.execPath, ['scripts/kit.ts', '--out', out]);
  return stdout.split('\n')[0] ?? '';
}

async function unpack(path: string, under: string): Promise<string> {
  const into = join(folder, under);
  await run('mkdir', [into]);
  await run('tar', ['-xzf', path, '-C', into]);
  return join(into, (await readdir(into))[0] ?? '');
}

const install = (from: string, root: string) => run('sh', [join(from, 'install.sh'), '--root', root]);

/** What the root of an image holds when nothing was installed there. */
const contentOf = (root: string) => readdir(root).catch(() => []);

describe('a kit', () => {
  it('is the same file whoever packs the same content', async () => {
    const again = await make(join(folder, 'two'));
    expect((await readFile(again)).equals(await readFile(archive))).toBe(true);
    expect(again.endsWith(`/${name}.tar.gz`)).toBe(true);
  });

  it('installs nothing when a file is damaged', async () => {
    const damaged = join(folder, 'damaged');
    await cp(kit, damaged, { recursive: true });
    await appendFile(join(damaged, 'src/cli/main.ts'), '\n');
    const root = join(folder, 'root-of-damaged');
    await expect(install(damaged, root)).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('a file is damaged or missing; copy the kit here again'),
    });
    expect(await contentOf(root)).toEqual([]);
    await rm(damaged, { recursive: true });
  });

  it('installs nothing when a file was added', async () => {
    const added = join(folder, 'added');
    await cp(kit, added, { recursive: true });
    await writeFile(join(added, 'node_modules/hono/extra.js'), '');
    const root = join(folder, 'root-of-added');
    await expect(install(added, root)).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('it holds files that are not of the kit'),
    });
    expect(await contentOf(root)).toEqual([]);
    await rm(added, { recursive: true });
  });
});

describe('an installation', () => {
  let root: string;

  beforeAll(async () => {
    root = join(folder, 'root');
    await install(kit, root);
  });

  it('has the commands on the path, and a service that names what is there', async () => {
    for (const command of COMMANDS) {
      const { stdout } = await run(join(root, 'usr/local/bin', command), ['--version']);
      expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    }
    const unit = await readFile(join(root, 'etc/systemd/system/airlock.service'), 'utf8');
    const program = /^ExecStart=(\S+) up \$AIRLOCK_OPTIONS$/m.exec(unit)?.[1] ?? '';
    const settings = /^EnvironmentFile=(\S+)$/m.exec(unit)?.[1] ?? '';
    expect((await stat(join(root, program))).mode & 0o111).toBe(0o111);
    expect(await readFile(join(root, settings), 'utf8')).toContain('--role airgap');
    expect(await readFile(join(root, 'etc/sysusers.d/airlock.conf'), 'utf8')).toContain('u airlock ');
  });

  it('runs a host for a user who may write nowhere else, without a home, without a network', async () => {
    const data = join(folder, 'data');
    await run('mkdir', [data]);
    const isRoot = process.getuid?.() === 0;
    // Not every machine of tests may make networks.
    const isolated =
      isRoot &&
      (await run('unshare', ['--net', 'ip', 'link']).then(
        () => true,
        () => false,
      ));
    if (isRoot) await chown(data, STRANGER, STRANGER);
    const bin = join(root, 'usr/local/bin');
    const journey = `
      mkfifo out
      ${bin}/airlock up --role airgap --port 0 --https-port 0 --temporal-port 0 --temporal-ui-port 0 >out &
      host=$!
      exec 3<out
      while read -r line <&3; do case $line in *"ready at"*) break ;; esac; done
      ${bin}/snap-store-proxy status
      kill $host
      wait $host
      echo "ended with $?"`;
    const asStranger = isRoot
      ? ['setpriv', `--reuid=${STRANGER}`, `--regid=${STRANGER}`, '--clear-groups']
      : [];
    const [program = '', ...args] = [
      ...(isolated ? ['unshare', '--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh'] : []),
      ...asStranger,
      ...['sh', '-c', journey],
    ];
    const env = {
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: '/nonexistent',
      AIRLOCK_DATA: join(data, 'airlock'),
    };
    const { stdout } = await run(program, args, { cwd: data, env });
    expect(stdout).toContain('Store is in air-gapped mode');
    expect(stdout).toContain('ended with 0');
  });

  it('is replaced by a newer one at one stroke; the older and the settings stay', async () => {
    const newer = join(folder, 'newer');
    const newerName = name.replace(/-[0-9a-f]{8}-/, '-00000000-');
    await cp(kit, newer, { recursive: true });
    await writeFile(join(newer, 'NAME'), `${newerName}\n`);
    const sums = await readFile(join(newer, 'SHA256SUMS'), 'utf8');
    const { stdout: sum } = await run('sha256sum', ['NAME'], { cwd: newer });
    await writeFile(join(newer, 'SHA256SUMS'), sums.replace(/^[0-9a-f]{64} {2}NAME\n/m, sum));
    await writeFile(join(root, 'etc/airlock/environment'), 'AIRLOCK_OPTIONS="--role online"\n');
    await install(newer, root);
    const releases = join(root, 'opt/airlock/releases');
    expect((await readdir(releases)).sort()).toEqual([name, newerName].sort());
    expect(await readlink(join(root, 'opt/airlock/current'))).toBe(`releases/${newerName}`);
    expect(await readFile(join(root, 'etc/airlock/environment'), 'utf8')).toContain('--role online');
    // And back, by the older kit: nothing is copied again.
    const before = await lstat(join(releases, name));
    const { stdout } = await install(kit, root);
    expect(stdout).toContain(`${name} is here already.`);
    expect((await lstat(join(releases, name))).ino).toBe(before.ino);
    expect(await readlink(join(root, 'opt/airlock/current'))).toBe(`releases/${name}`);
  });
});
