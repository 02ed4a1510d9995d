import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

/** Every metric of the product, by the question that it answers; `text()` is what Prometheus reads. */
export interface Metrics {
  /** How long does a request take, by resource and status class? `resource` is a route's pattern, never an address. */
  readonly requestSeconds: Histogram<'resource' | 'method' | 'status'>;
  /** How long does a device wait for its serial? `how`: made, accepted (202: ask again), refused. */
  readonly serialSeconds: Histogram<'how'>;
  /** What is refused, and why? `what` is the resource, `reason` an error's code. */
  readonly refusals: Counter<'what' | 'reason'>;
  /** How long did the last test signature of an HSM token take? */
  readonly hsmProbeSeconds: Gauge<'token'>;
  /** How many jobs wait for the HSM? */
  readonly hsmQueue: Gauge<'token'>;
  /** How many HSM processes are up? */
  readonly hsmConnections: Gauge<'token'>;
  /** How many serials wait for their signature? */
  readonly intentsWaiting: Gauge;
  /** Bytes of snaps sent to devices. */
  readonly downloadedBytes: Counter;
  /** When did the last import end well, in Unix seconds, by kind? Its age is `time()` minus it. */
  readonly lastImport: Gauge<'kind'>;
  /** When was the last backup verified, in Unix seconds? */
  readonly lastVerifiedBackup: Gauge;
  /** When does the certificate for HTTPS end, in Unix seconds? Nothing is said where there is none. */
  readonly certificateEnds: Gauge<'subject'>;
  /** How full is the disk under the data folder, in bytes? */
  readonly diskFreeBytes: Gauge;
  /** Is a part reachable (1) or not (0)? `part`: database, temporal, hsm. */
  readonly partUp: Gauge<'part'>;
  /** The registry itself, for a part that needs a metric of its own. */
  readonly registry: Registry;
  /** All metrics in Prometheus' text form, and its content type. */
  text(): Promise<{ readonly body: string; readonly contentType: string }>;
}

const REQUEST_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Makes a fresh set of metrics; one for a process. `processMetrics` adds memory, CPU and event loop lag. */
export function createMetrics({ processMetrics = true } = {}): Metrics {
  const registry = new Registry();
  const registers = [registry];
  if (processMetrics) collectDefaultMetrics({ register: registry, prefix: 'airlock_' });
  const seconds = <Label extends string>(name: string, help: string, labelNames: Label[]) =>
    new Histogram({ name: `airlock_${name}_seconds`, help, labelNames, registers, buckets: REQUEST_BUCKETS });
  const counter = <Label extends string>(name: string, help: string, labelNames: Label[]) =>
    new Counter({ name: `airlock_${name}_total`, help, labelNames, registers });
  const gauge = <Label extends string>(name: string, help: string, labelNames: Label[]) =>
    new Gauge({ name: `airlock_${name}`, help, labelNames, registers });
  return {
    requestSeconds: seconds('request', 'Time to answer a request.', ['resource', 'method', 'status']),
    serialSeconds: seconds('serial', 'Time from a serial-request to its answer.', ['how']),
    refusals: counter('refusals', 'What was refused, by reason.', ['what', 'reason']),
    hsmProbeSeconds: gauge('hsm_probe_seconds', 'Time of the last test signature.', ['token']),
    hsmQueue: gauge('hsm_queue', 'Jobs that wait for the HSM.', ['token']),
    hsmConnections: gauge('hsm_connections', 'HSM processes that are up.', ['token']),
    intentsWaiting: gauge('serial_intents_waiting', 'Serials that wait for their signature.', []),
    downloadedBytes: counter('downloaded_bytes', 'Bytes of snaps sent to devices.', []),
    lastImport: gauge('last_import_timestamp_seconds', 'When the last import ended well.', ['kind']),
    lastVerifiedBackup: gauge(
      'last_verified_backup_timestamp_seconds',
      'When a backup was last verified.',
      [],
    ),
    certificateEnds: gauge('certificate_end_timestamp_seconds', 'When the certificate for HTTPS ends.', [
      'subject',
    ]),
    diskFreeBytes: gauge('disk_free_bytes', 'Free space under the data folder.', []),
    partUp: gauge('part_up', 'Whether a part is reachable.', ['part']),
    registry,
    text: async () => ({ body: await registry.metrics(), contentType: registry.contentType }),
  };
}

/** `2xx`, `4xx` …: the only form in which a status is a label. */
export function statusClass(status: number): string {
  return `${Math.trunc(status / 100)}xx`;
}
