import { readFile } from 'node:fs/promises';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { describe, expect, test } from 'vitest';
import { loadTemporalConfig, parseTemporalConfig } from '../../src/config/index.ts';
import { findTemporalCli } from '../../src/worker/temporal-cli.ts';

const shipped = await readFile('temporal.yaml', 'utf8');

describe('temporal.yaml', () => {
  test('as shipped says what the defaults are', async () => {
    expect(await loadTemporalConfig({ env: {} })).toEqual(parseTemporalConfig('', 'an empty file'));
  });

  test('has exactly three levels with plain leaves, as the Temporal CLI needs', () => {
    const depths = (value: unknown): number[] =>
      typeof value === 'object' && value !== null
        ? Object.values(value).flatMap((inner) => depths(inner).map((depth) => depth + 1))
        : [0];
    expect(new Set(depths(parse(shipped)))).toEqual(new Set([3]));
  });

  test('is read by the Temporal CLI itself', async () => {
    const cli = await findTemporalCli(process.env);
    const args = ['--env-file', 'temporal.yaml', '--env', 'local', 'env', 'get', '--output', 'json'];
    const { stdout } = await promisify(execFile)(cli, args);
    expect(stdout).toContain('127.0.0.1:7233');
  });
});

describe('overriding values', () => {
  test('a file changes what it names and leaves the rest', () => {
    const config = parseTemporalConfig('taskQueues: { hsm: { activities: 16 } }', 'my.yaml');
    expect(config.taskQueues.hsm).toEqual({
      name: 'hsm',
      activities: 16,
      localActivities: 16,
      workflowTasks: 16,
    });
    expect(config.taskQueues.airlock.activities).toBe(8);
  });

  test('the environment goes before the file', () => {
    const config = parseTemporalConfig('env: { local: { address: "a:1", namespace: n } }', 'my.yaml', {
      AIRLOCK_TEMPORAL_ADDRESS: 'temporal.example:7233',
      AIRLOCK_TEMPORAL_TLS: 'true',
      AIRLOCK_TEMPORAL_API_KEY: 'key',
    });
    expect(config.env.local).toEqual({
      address: 'temporal.example:7233',
      namespace: 'n',
      tls: true,
      'api-key': 'key',
    });
  });

  test('a file that is named and absent is an error, not a default', async () => {
    await expect(loadTemporalConfig({ file: '/nonexistent.yaml', env: {} })).rejects.toMatchObject({
      code: 'config-file-unreadable',
    });
  });

  test.each([
    ['env: { local: { address: nonsense } }', 'env.local.address: must be HOST:PORT'],
    ['taskQueues: { hsm: { activities: 0 } }', 'taskQueues.hsm.activities: at least 1 is needed'],
    ['taskQueue: {}', 'taskQueue'],
    ['devServer: { listen: { port: 70000 } }', 'devServer.listen.port: at most 65535 is allowed'],
    ['serials: { batches: { lanes: 0 } }', 'serials.batches.lanes: at least 1 is needed'],
    ['serials: { batches: { linger: 10 } }', 'serials.batches: there is no field "linger"'],
    ['- a list', 'cannot use my.yaml'],
    ['a: [', 'cannot read my.yaml as YAML'],
  ])('%s is refused in a sentence that names it', (text, sentence) => {
    expect(() => parseTemporalConfig(text, 'my.yaml')).toThrow(sentence);
  });

  test('a wrong value of the environment is refused too', () => {
    expect(() => parseTemporalConfig('', 'my.yaml', { AIRLOCK_TEMPORAL_TLS: 'perhaps' })).toThrow(
      'env.local.tls: true or false is needed',
    );
  });
});
