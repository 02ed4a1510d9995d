import {
  questionBody,
  readAnswer,
  signQuestion,
  webhookUnavailable,
  type Decision,
  type DecisionQuestion,
} from '../../../devices/index.ts';
import { limitedBytes } from '../../../limited-bytes.ts';

/** How long the brand's decision service may take, in milliseconds: the device itself waits for thirty seconds. */
const DEADLINE = 5000;
/** Most bytes of an answer that are read. */
const MAX_ANSWER = 16 * 1024;

/** Asks the brand's decision service. */
export type AskWebhook = (url: string, question: DecisionQuestion, secret: Uint8Array) => Promise<Decision>;

/**
 * Asks over HTTP, signed, without following redirects. Whatever is not a plain answer in time throws `DeviceError`
 * `enrolment-webhook-unavailable`, so that nothing is granted.
 */
export function httpWebhook(clock: () => Date): AskWebhook {
  return async (url, question, secret) => {
    const body = questionBody(question);
    try {
      const response = await fetch(url, {
        method: 'POST',
        redirect: 'error',
        headers: {
          'content-type': 'application/json',
          'airlock-signature': signQuestion(body, secret, clock()),
        },
        body,
        signal: AbortSignal.timeout(DEADLINE),
      });
      if (response.status !== 200)
        throw new Error(`the decision service answered with status ${String(response.status)}`);
      return readAnswer(await readLimited(response));
    } catch (cause) {
      throw webhookUnavailable(cause);
    }
  };
}

async function readLimited(response: Response): Promise<string> {
  const bytes = await limitedBytes(response.body, MAX_ANSWER, () => new Error('the answer is too long'));
  return Buffer.from(bytes).toString('utf8');
}
