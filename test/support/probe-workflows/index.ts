/** Workflows for the tests of the platform itself. */
import { proxyActivities, proxyLocalActivities } from '@temporalio/workflow';

/** What the probes ask for. */
export interface ProbeActivities {
  echo(input: { readonly text: string }): Promise<{ readonly text: string }>;
  refuse(input: { readonly kind: string }): Promise<never>;
}

const remote = proxyActivities<ProbeActivities>({
  startToCloseTimeout: '10s',
  retry: { initialInterval: '10ms', maximumAttempts: 2 },
});
const local = proxyLocalActivities<ProbeActivities>({ startToCloseTimeout: '10s' });

/** Gives back what it gets, through an activity. */
export async function echo(input: { readonly text: string }): Promise<{ readonly text: string }> {
  return remote.echo(input);
}

/** The same through a local activity. */
export async function echoLocally(input: { readonly text: string }): Promise<{ readonly text: string }> {
  return local.echo(input);
}

/** Fails as its activity does. */
export async function refuse(input: { readonly kind: string }): Promise<never> {
  return remote.refuse(input);
}
