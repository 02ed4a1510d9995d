/** A moment as the documented file names carry it, in UTC: `20240109T123041`. */
export function stampOf(moment: Date): string {
  return moment.toISOString().slice(0, 19).replaceAll(/[-:]/g, '');
}

/** File names of DESIGN 8 and protocol/operators.md 2.1; `time` as `stampOf` gives it. */
export const fileNames = {
  storeExport: (store: string, time: string) => `store-export-${store}-${time}.tar.gz`,
  adminToken: (store: string, time: string) => `store-export-${store}-${time}.macaroon`,
  snapBundle: (snap: string, time: string) => `${snap}-${time}.tar.gz`,
  storeMetadata: (store: string, time: string) => `${store}-metadata-${time}.json`,
  accountKeys: (account: string, time: string) => `${account}-keys-${time}.assert`,
} as const;
