/**
 * Places where tests kill the process, to prove that nothing is lost or done twice. In use only with AIRLOCK_CRASH_POINT:
 * `NAME` dies at the first passage, `NAME@3` at the third; several are separated by commas.
 */

/** Between every two steps of the making of a serial (DESIGN section 6) and of the sweep, and around what imports, exports and fetches keep. */
export const CRASH_POINTS = [
  'intent-before-commit',
  'intent-after-commit',
  'batch-before-start',
  'batch-after-start',
  'serials-before-sign',
  'serials-after-sign',
  'serials-before-commit',
  'serials-after-commit',
  'serial-before-answer',
  'promises-before-close',
  'promises-after-close',
  'key-before-generate',
  'key-after-generate',
  'key-after-commit',
  'rotation-before-commit',
  'rotation-after-commit',
  'import-before-stage',
  'import-after-stage',
  'import-before-commit',
  'import-after-commit',
  'export-before-archive',
  'export-after-archive',
  'fetch-before-needs',
  'fetch-after-needs',
  'fetch-after-archive',
  'fetch-before-removal',
  'fetch-after-removal',
] as const;

/** A place where a test may kill the process. */
export type CrashPoint = (typeof CRASH_POINTS)[number];

/** How the process ends: at once, with no chance to clean up. Replaced in tests of this very file. */
export type Kill = () => void;

/** Dies at the point when the environment says so; costs one look-up otherwise. */
export type CrashPoints = (point: CrashPoint) => void;

/**
 * Reads the variable once.
 * @throws Error when it names a point that does not exist, so that no test passes for want of a crash
 */
export function crashPoints(wanted: string | undefined, kill: Kill): CrashPoints {
  const left = new Map<CrashPoint, number>();
  for (const entry of (wanted ?? '').split(',').filter((part) => part !== '')) {
    const [name = '', passage = '1'] = entry.split('@');
    const point = CRASH_POINTS.find((known) => known === name);
    if (point === undefined || !/^[1-9]\d{0,8}$/.test(passage))
      throw new Error(`cannot crash at "${entry}": there is no such point`);
    left.set(point, Number(passage));
  }
  return (point) => {
    const passages = left.get(point);
    if (passages === undefined) return;
    left.set(point, passages - 1);
    if (passages === 1) kill();
  };
}

/** This process's points. */
export const crashPoint: CrashPoints = crashPoints(process.env['AIRLOCK_CRASH_POINT'], () =>
  process.kill(process.pid, 'SIGKILL'),
);
