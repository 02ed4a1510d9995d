import { isGrpcServiceError } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import proto from '@temporalio/proto';
import type { NativeConnection } from '@temporalio/worker';
import type { TemporalConfig } from '../config/index.ts';

/** gRPC's status when a thing is there already. */
const ALREADY_EXISTS = 6;
const HOUR_MS = 3_600_000;

const { IndexedValueType } = proto.temporal.api.enums.v1;
const TYPES = {
  Text: IndexedValueType.INDEXED_VALUE_TYPE_TEXT,
  Keyword: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
  Int: IndexedValueType.INDEXED_VALUE_TYPE_INT,
  Double: IndexedValueType.INDEXED_VALUE_TYPE_DOUBLE,
  Bool: IndexedValueType.INDEXED_VALUE_TYPE_BOOL,
  Datetime: IndexedValueType.INDEXED_VALUE_TYPE_DATETIME,
  KeywordList: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD_LIST,
} as const;

/** Makes the configured namespace with its retention and search attributes; what is there already stays as it is. */
export async function createNamespace(connection: NativeConnection, config: TemporalConfig): Promise<void> {
  const { namespace } = config.env.local;
  await unlessThere(() =>
    connection.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: msToTs(config.devServer.retention.hours * HOUR_MS),
    }),
  );
  const custom = Object.entries(config.searchAttributes.custom);
  await unlessThere(() =>
    connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(custom.map(([name, type]) => [name, TYPES[type]])),
    }),
  );
}

async function unlessThere(make: () => Promise<unknown>): Promise<void> {
  try {
    await make();
  } catch (error) {
    if (!isGrpcServiceError(error) || error.code !== ALREADY_EXISTS) throw error;
  }
}
