/** The routes of the product, read from the source of src/api: what docs/reference/http-api.md must list. */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** `METHOD /path`, with parameters as `{name}`. */
export type Route = string;

const VERB = /\b(?:app|routes)\s*\.(get|post|put|patch|delete)\(\s*(?:'([^']+)'|`([^`]+)`|(PROXY\.\w+))/g;
const MOUNT = /\bapp\.route\(\s*'([^']+)',\s*(\w+)\(/g;
const IMPORTED = /import\s*\{([^}]+)\}\s*from\s*'\.\/([\w-]+\.ts)'/g;

/** What is written with a name in the source, and what it stands for. */
const NAMED: ReadonlyMap<string, string> = new Map([
  ['PROXY.requestId', '/api/v1/snaps/auth/request-id'],
  ['PROXY.serial', '/api/v1/snaps/auth/devices'],
  ['${prefix}/request-id', '/v1/request-id'],
  ['${prefix}/serial', '/v1/serial'],
]);

/** Every route below the folder `api`, sorted. */
export async function routesOf(api: string): Promise<readonly Route[]> {
  const found = new Set<Route>();
  const mounts = mountsOf(await readFile(join(api, 'admin/index.ts'), 'utf8'));
  for (const file of await readdir(api, { recursive: true })) {
    if (!file.endsWith('.ts')) continue;
    const source = await readFile(join(api, file), 'utf8');
    for (const [, method = '', plain, template, named] of source.matchAll(VERB)) {
      const written = plain ?? template ?? named ?? '';
      const path = NAMED.get(written) ?? written;
      for (const prefix of prefixesOf(file, mounts))
        found.add(`${method.toUpperCase()} ${joined(prefix, path)}`);
    }
  }
  return [...found].sort();
}

/** The routes that a document lists, as code at the beginning of a table's row. */
export function listedRoutes(markdown: string): readonly Route[] {
  return [...markdown.matchAll(/^\| `((?:GET|POST|PUT|PATCH|DELETE) [^`]+)`/gm)]
    .map(([, route = '']) => route)
    .sort();
}

/** Under which paths each file of src/api/admin is mounted. */
function mountsOf(index: string): ReadonlyMap<string, readonly string[]> {
  const files = new Map<string, string>();
  for (const [, names = '', file = ''] of index.matchAll(IMPORTED)) {
    for (const name of names.split(',')) files.set(name.trim(), file);
  }
  const mounts = new Map<string, string[]>();
  for (const [, path = '', factory = ''] of index.matchAll(MOUNT)) {
    const file = files.get(factory);
    if (file !== undefined) mounts.set(`admin/${file}`, [...(mounts.get(`admin/${file}`) ?? []), path]);
  }
  return mounts;
}

function prefixesOf(file: string, mounts: ReadonlyMap<string, readonly string[]>): readonly string[] {
  if (file.startsWith('admin/')) return mounts.get(file) ?? [''];
  if (file.startsWith('publisher/operator/')) return ['/ops/v1/authority'];
  if (file.startsWith('ops/')) return ['/ops/v1'];
  return [''];
}

/** Joins the two, and writes `:name{pattern}` as `{name}`. */
function joined(prefix: string, path: string): string {
  const whole = path === '/' && prefix !== '' ? prefix : `${prefix}${path}`;
  return whole.replaceAll(/:(\w+)(?:\{(?:[^{}]|\{[^{}]*\})*\})?/g, '{$1}');
}
