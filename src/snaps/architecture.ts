/** The architecture of a revision that runs anywhere. */
export const ANY_ARCHITECTURE = 'all';

/** Debian's names, as snapd sends them. */
export const ARCHITECTURES = [
  'amd64',
  'arm64',
  'armhf',
  'i386',
  'powerpc',
  'ppc64el',
  'riscv64',
  's390x',
] as const;

/** Whether something made for `made` runs on a device of `device`. */
export function runsOn(made: readonly string[], device: string): boolean {
  return made.includes(ANY_ARCHITECTURE) || made.includes(device);
}
