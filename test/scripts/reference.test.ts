import { readFile, writeFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { errorCodes, errorReference } from '../../scripts/documents/error-codes.ts';
import { listedRoutes, routesOf } from '../../scripts/documents/routes.ts';
import { settingsNamedIn, settingsReference, USED } from '../../scripts/documents/settings.ts';
import { enrolmentPolicySchema, madeSerial, parseEnrolmentPolicy } from '../../src/devices/index.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SRC = join(ROOT, 'src');
const reference = (name: string) => join(ROOT, 'docs/reference', name);

async function isMade(name: string, text: string): Promise<void> {
  const file = reference(name);
  const made = await format(text, { ...(await resolveConfig(file)), parser: 'markdown' });
  if (process.env['AIRLOCK_WRITE_REFERENCE'] === '1') await writeFile(file, made);
  expect(await readFile(file, 'utf8')).toBe(made);
}

describe('the reference is that of the code (AIRLOCK_WRITE_REFERENCE=1 writes what is made)', () => {
  test('errors.md has every code', async () => {
    await isMade('errors.md', errorReference(await errorCodes(SRC)));
  });

  test('settings.md has every setting', async () => {
    await isMade('settings.md', settingsReference());
  });

  test('settings.md says of the settings that the code reads what they do, and of no others', async () => {
    expect(Object.keys(USED).toSorted()).toEqual([...(await settingsNamedIn(SRC))].toSorted());
  });

  test('http-api.md lists the routes', async () => {
    const listed = listedRoutes(await readFile(reference('http-api.md'), 'utf8'));
    expect(listed).toEqual(await routesOf(join(SRC, 'api')));
  });

  test('environment.md names the variables', async () => {
    const named = new Set<string>();
    for (const file of await readdir(SRC, { recursive: true })) {
      if (!file.endsWith('.ts')) continue;
      const source = await readFile(join(SRC, file), 'utf8');
      for (const [name] of source.matchAll(/\bAIRLOCK_[A-Z0-9_]*[A-Z0-9]\b/g)) named.add(name);
    }
    const text = await readFile(reference('environment.md'), 'utf8');
    const listed = [...text.matchAll(/`(AIRLOCK_[A-Z0-9_]+)`/g)].map(([, name = '']) => name);
    expect([...new Set(listed)].toSorted()).toEqual([...named].toSorted());
  });

  test('enrolment.md names every field and value of the policy, with an example that is taken', async () => {
    const page = await readFile(reference('enrolment.md'), 'utf8');
    const { shape } = enrolmentPolicySchema;
    const headings = [...page.matchAll(/^## .+$/gm)].flatMap(([line]) =>
      [...line.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
    );
    expect(headings.toSorted()).toEqual(Object.keys(shape).toSorted());
    for (const name of ['mode', 'serials', 'hardware-identity'] as const) {
      const [section = ''] = page.split(`## \`${name}\`\n`)[1]?.split('\n## ') ?? [];
      const listed = [...section.matchAll(/^\| `([^`]+)`/gm)].map(([, value = '']) => value);
      expect(listed).toEqual(shape[name].unwrap().options);
    }
    const examples = [...page.matchAll(/^```json\n([^`]+)```$/gm)].map(([, text = '']) => text);
    const shown = examples.flatMap((text) => {
      const example: unknown = JSON.parse(text);
      expect(parseEnrolmentPolicy(example)).toMatchObject(z.record(z.string(), z.unknown()).parse(example));
      return Object.keys(z.record(z.string(), z.unknown()).parse(example));
    });
    expect([...new Set(shown)].toSorted()).toEqual(Object.keys(shape).toSorted());
  });

  test('enrolment.md tells what number the service makes', async () => {
    const page = await readFile(reference('enrolment.md'), 'utf8');
    const of = { brandId: 'acme', model: 'model-a', deviceKeyId: 'k'.repeat(64), prefix: 'ACME-' };
    expect(page).toContain(`\`${madeSerial(of)}\``);
  });

  test('workflows.md names every workflow', async () => {
    const text = await readFile(reference('workflows.md'), 'utf8');
    const listed = [...text.matchAll(/^\| `(\w+)`\s*\| `/gm)].map(([, name = '']) => name);
    const exported: Readonly<Record<string, unknown>> = await import('../../src/workflows/index.ts');
    const names = Object.keys(exported).filter((name) => typeof exported[name] === 'function');
    expect(listed.toSorted()).toEqual(names.toSorted());
  });
});
