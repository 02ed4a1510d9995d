import { fileURLToPath } from 'node:url';
import type { DataConverter } from '@temporalio/common';
import { createPayloadCodec, type PayloadKeyRing } from './payload-codec.ts';

/** The file that Temporal loads the failure converter from. */
export const FAILURE_CONVERTER_PATH = fileURLToPath(new URL('failure-converter.ts', import.meta.url));

/** How values become payloads: JSON, sealed, failures included. Clients, workers and replays must use the same. */
export function createDataConverter(keys: PayloadKeyRing): DataConverter {
  return { payloadCodecs: [createPayloadCodec(keys)], failureConverterPath: FAILURE_CONVERTER_PATH };
}
