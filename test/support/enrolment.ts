import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  decodeStream,
  encodeStream,
  text,
  type Assertion,
  type PublicKey,
} from '../../src/assertions/index.ts';
import { listActs } from '../../src/storage/index.ts';
import { openGateway, type TestGateway } from './admin-gateway.ts';
import type { Device } from './device.ts';
import { openModelService, type ModelServiceRig, type TestModelService } from './model-service.ts';

/** What a serial-request was answered with. */
export interface Answer {
  readonly status: number;
  /** The error's code; `ready` or `later` without one. */
  readonly code: string;
  readonly message: string;
  readonly type: string | null;
  readonly serial: Assertion | undefined;
}

/** A Model Service with its gateway and a signing key, for tests of who gets which serial. Close it after the tests. */
export interface TestEnrolment {
  readonly rig: TestModelService;
  readonly gateway: TestGateway;
  readonly key: PublicKey;
  /** A model with an enrolment policy, set over the gateway, and the API key `api-key-of-MODEL`. */
  modelWith(name: string, policy?: Record<string, unknown>): Promise<Assertion>;
  /** Posts a serial-request of the device, with a new request-id unless one is made already. */
  ask(device: Device, of?: Asking): Promise<Answer>;
  /** The serial number that a device gets, else the status and code of the refusal. */
  outcome(device: Device, of?: Asking): Promise<string>;
  /** Calls the gateway at a path of the brand, and gives the JSON of an answer that must have this status. */
  admin(status: number, method: string, path: string, body?: unknown): Promise<ReturnType<typeof JSON.parse>>;
  /** The newest act of the log. */
  lastAct(): Promise<{ act: string; subject: string; details: Record<string, unknown> }>;
  close(): Promise<void>;
}

/** How a request differs from a plain one. */
export interface Asking {
  /** Headers of the HTTP request, beside the API key of the device's model. */
  readonly headers?: Record<string, string>;
  /** Headers of the serial-request, in place of its own. */
  readonly extra?: Record<string, string>;
  readonly model?: Assertion;
  /** What comes behind the model in the stream. */
  readonly more?: readonly Assertion[];
  readonly request?: Assertion;
}

/** Opens the service in a folder of its own. */
export async function openEnrolment(of: Partial<ModelServiceRig> = {}): Promise<TestEnrolment> {
  const folder = await mkdtemp(join(tmpdir(), 'airlock-enrolment-'));
  const rig = await openModelService({ folder, smallKeys: 1, ...of });
  const gateway = await openGateway(rig, { workers: false });
  const key = await rig.addKey('serials');

  async function ask(device: Device, asking: Asking = {}): Promise<Answer> {
    const { headers = {}, extra = {}, model = device.model, more = [] } = asking;
    const request = asking.request ?? (await device.serialRequest(await device.requestId(), extra));
    const reply = await fetch(`${rig.server.url}/api/v1/snaps/auth/devices`, {
      method: 'POST',
      headers: { 'api-key': `api-key-of-${text(model, 'model')}`, ...headers },
      body: Buffer.from(encodeStream([request, model, ...more])),
    });
    const bytes = new Uint8Array(await reply.arrayBuffer());
    const { status } = reply;
    const type = reply.headers.get('content-type');
    if (status === 200) {
      const [serial] = decodeStream(bytes);
      return { status, code: 'ready', message: '', type, serial };
    }
    const body = JSON.parse(Buffer.from(bytes).toString());
    const code = status === 202 ? 'later' : String(body.error_list[0].code);
    return { status, code, message: String(body.message), type, serial: undefined };
  }

  return {
    rig,
    gateway,
    key,
    async modelWith(name, policy = {}) {
      await rig.addModel(name, { apiKey: `api-key-of-${name}`, key });
      const answer = await gateway.call('PUT', gateway.brand(`/model/${name}/enrolment`), policy);
      if (answer.status !== 200) throw new Error(answer.text);
      return rig.chain.model(name);
    },
    ask,
    async outcome(device, asking) {
      const { status, code, serial } = await ask(device, asking);
      return serial === undefined ? `${String(status)} ${code}` : text(serial, 'serial');
    },
    async admin(status, method, path, body) {
      const answer = await gateway.call(method, gateway.brand(path), body);
      if (answer.status !== status) throw new Error(`${String(answer.status)} ${answer.text}`);
      return answer.json;
    },
    async lastAct() {
      const [last] = await listActs(rig.database.queries, { limit: 1 });
      if (last === undefined) throw new Error('nothing happened yet');
      return last;
    },
    async close() {
      await gateway.close();
      await rig.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
