import { timingSafeEqual } from 'node:crypto';
import type { Hono } from 'hono';
import type { CatalogFile } from './catalog-snap.ts';
import type { DeviceApiDeps } from './deps.ts';
import { fileAnswer } from './file-answer.ts';
import type { Gate } from './gate.ts';
import { type DeviceContext, type DeviceEnv, notFound } from './http.ts';
import { iconSeal } from './renderings.ts';

const SNAP = /^([a-zA-Z0-9]{32})_([1-9][0-9]{0,9})\.snap$/;
const DELTA = /^([a-zA-Z0-9]{32})_([1-9][0-9]{0,9})_([1-9][0-9]{0,9})_([a-z0-9-]{1,32})\.delta$/;
const COMPONENT = /^([a-zA-Z0-9]{32})\+([a-zA-Z0-9-]{1,64})_([1-9][0-9]{0,9})\.comp$/;
const ICON = /^([a-zA-Z0-9]{32})_([0-9a-f]{96})_([0-9a-f]{32})\.icon$/;

/**
 * Snap files, deltas, components and icons (protocol/devices.md 3.8). An address names the snap and not only the file,
 * so that the snap's visibility decides; HEAD is answered like GET.
 */
export function downloadRoutes(app: Hono<DeviceEnv>, deps: DeviceApiDeps, gate: Gate): void {
  const { blobs, report, handOver } = deps;

  app.get('/api/v1/snaps/download/:file', async (c) => {
    const name = c.req.param('file');
    const file = await fileNamed(c, gate, name);
    if (file === undefined) throw notFound('that file');
    return fileAnswer(c, blobs, file.digest, {
      contentType: 'application/octet-stream',
      fileName: name,
      report,
      handOver,
    });
  });

  app.get('/api/v1/snaps/icons/:file', async (c) => {
    const visit = await gate.enterAnonymous(c);
    const [, snapId = '', digest = '', seal = ''] = ICON.exec(c.req.param('file')) ?? [];
    const secrets =
      visit.secrets.length === 0 ? [new Uint8Array()] : visit.secrets.map(({ secret }) => secret);
    const genuine = seal !== '' && secrets.some((secret) => equal(seal, iconSeal(secret, snapId, digest)));
    const snap = genuine ? (await visit.catalog.snaps([snapId])).get(snapId) : undefined;
    if (snap?.icon?.digest !== digest) throw notFound('that file');
    return fileAnswer(c, blobs, digest, { contentType: 'image/png', fileName: 'icon.png', report });
  });
}

async function fileNamed(c: DeviceContext, gate: Gate, name: string): Promise<CatalogFile | undefined> {
  const { catalog, viewer } = await gate.enter(c);
  const [, snapId] = SNAP.exec(name) ?? DELTA.exec(name) ?? COMPONENT.exec(name) ?? [];
  const snap = snapId === undefined ? undefined : await catalog.visibleSnap(viewer, snapId);
  if (snap === undefined) return undefined;
  const whole = SNAP.exec(name);
  if (whole !== null) return snap.revisions.get(Number(whole[2]));
  const delta = DELTA.exec(name);
  if (delta !== null) {
    const [, , source, target, format] = delta;
    const deltas = snap.revisions.get(Number(target))?.deltas ?? [];
    return deltas.find((each) => each.source === Number(source) && each.format === format);
  }
  const [, , component, revision] = COMPONENT.exec(name) ?? [];
  const components = [...snap.revisions.values()].flatMap((each) => each.components);
  return components.find((each) => each.name === component && each.revision === Number(revision));
}

function equal(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}
