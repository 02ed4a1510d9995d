import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';

const ANSWER_MS = 2_000;
const HOUR_MS = 3_600_000;

/** True when a server answers at the address and has the namespace. */
export async function isServing(address: string, namespace: string): Promise<boolean> {
  return withConnection(address, async (connection) => {
    await connection.workflowService.describeNamespace({ namespace });
    return true;
  }).catch(() => false);
}

/** Sets how long finished workflows stay visible. */
export async function setRetention(address: string, namespace: string, hours: number): Promise<void> {
  await withConnection(address, (connection) =>
    connection.workflowService.updateNamespace({
      namespace,
      config: { workflowExecutionRetentionTtl: msToTs(hours * HOUR_MS) },
    }),
  );
}

async function withConnection<Answer>(
  address: string,
  ask: (connection: Connection) => Promise<Answer>,
): Promise<Answer> {
  const connection = Connection.lazy({ address });
  try {
    return await connection.withDeadline(Date.now() + ANSWER_MS, () => ask(connection));
  } finally {
    await connection.close();
  }
}
