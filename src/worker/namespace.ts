import { setTimeout as sleep } from 'node:timers/promises';
import { isGrpcServiceError } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import proto from '@temporalio/proto';
import type { NativeConnection } from '@temporalio/worker';
import type { TemporalConfig } from '../config/index.ts';
import type { Log } from '../telemetry/index.ts';
import { WorkerError } from './errors.ts';

/** gRPC's status when a thing is there already. */
const ALREADY_EXISTS = 6;
const HOUR_MS = 3_600_000;
const KNOWN_WITHIN_MS = 20_000;
const PAUSE_MS = 250;

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

/** gRPC's status when a thing is not there. */
const NOT_FOUND = 5;

/**
 * Sees to it that the configured namespace is there, as a worker needs it before it starts. One that is there gets the search
 * attributes that it lacks, where we may: processes do without, but are not found by them.
 * @throws WorkerError `temporal-namespace-missing` when it is neither there nor ours to make
 */
export async function ensureNamespace(
  connection: NativeConnection,
  config: TemporalConfig,
  log: Log,
): Promise<void> {
  const { namespace } = config.env.local;
  try {
    await connection.workflowService.describeNamespace({ namespace });
    await addMissingAttributes(connection, config, log);
  } catch (error) {
    if (!isGrpcServiceError(error) || error.code !== NOT_FOUND) throw error;
    await createNamespace(connection, config).catch((cause: unknown) => {
      throw new WorkerError(
        'unavailable',
        'temporal-namespace-missing',
        `cannot find the namespace "${namespace}" on the Temporal server, nor make it: ask its administrator to run "temporal operator namespace create ${namespace}"`,
        { cause },
      );
    });
  }
}

/** Never changes the type of one that is there. */
async function addMissingAttributes(
  connection: NativeConnection,
  config: TemporalConfig,
  log: Log,
): Promise<void> {
  const { namespace } = config.env.local;
  try {
    const there = await connection.operatorService.listSearchAttributes({ namespace });
    const missing = Object.entries(config.searchAttributes.custom).filter(
      ([name]) => there.customAttributes[name] === undefined,
    );
    if (missing.length === 0) return;
    const searchAttributes = Object.fromEntries(missing.map(([name, type]) => [name, TYPES[type]]));
    await unlessThere(() => connection.operatorService.addSearchAttributes({ namespace, searchAttributes }));
  } catch (error) {
    if (!isGrpcServiceError(error)) throw error;
    log.warn(
      { why: error.details },
      'cannot see to the search attributes of the Temporal namespace: its administrator may add them with "temporal operator search-attribute create"',
    );
  }
}

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
  if (custom.length === 0) return;
  await onceKnown(() =>
    connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(custom.map(([name, type]) => [name, TYPES[type]])),
    }),
  );
}

/** Servers remember for some seconds that a namespace was not there. */
async function onceKnown(make: () => Promise<unknown>): Promise<void> {
  for (let left = KNOWN_WITHIN_MS; ; left -= PAUSE_MS) {
    try {
      return await unlessThere(make);
    } catch (error) {
      if (left <= 0 || !isGrpcServiceError(error) || error.code !== NOT_FOUND) throw error;
      await sleep(PAUSE_MS);
    }
  }
}

async function unlessThere(make: () => Promise<unknown>): Promise<void> {
  try {
    await make();
  } catch (error) {
    if (!isGrpcServiceError(error) || error.code !== ALREADY_EXISTS) throw error;
  }
}
