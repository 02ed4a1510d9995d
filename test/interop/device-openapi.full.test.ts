import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeWorld, type World } from '../api/device/world.ts';
import { pythonTools } from '../support/python-tools.ts';

const run = promisify(execFile);

const tools = await pythonTools();

describe.skipIf(tools.folder === undefined)('schemathesis against the document of the device API', () => {
  let world: World;

  beforeAll(async () => {
    world = await makeWorld();
    await world.addSnap({ name: 'agent', storeId: 'ubuntu' });
  });

  afterAll(() => world.close());

  it('finds no answer that the document does not name, and no mistake of ours', async () => {
    const checks =
      'not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance';
    const { stdout } = await run(
      'schemathesis',
      [
        'run',
        `${world.url}/v2/openapi.json`,
        '--url',
        world.url,
        '--checks',
        checks,
        '--max-examples',
        '200',
      ],
      { maxBuffer: 1 << 26, env: tools.folder === undefined ? process.env : tools.env },
    ).catch((error: unknown) => ({
      stdout: String(error instanceof Error && 'stdout' in error ? error.stdout : error),
    }));
    expect(stdout).toMatch(/Tested: 19/);
    expect(stdout).not.toMatch(/Failures:/);
    expect(world.mistakes).toEqual([]);
  });
});
