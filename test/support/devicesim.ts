import { join } from 'node:path';
import { goProgram, type GoProgram } from './go-program.ts';

export { reasonToSkip } from './go-program.ts';

const SOURCES = join(import.meta.dirname, '../interop/snapd');

/** The built program, or why there is none. */
export type Devicesim = GoProgram;

/** The device made of snapd's own code (test/interop/snapd). */
export function devicesim(): Promise<Devicesim> {
  return goProgram('devicesim', SOURCES, ['-tags', 'withtestkeys', '.']);
}
