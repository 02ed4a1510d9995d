import { describe, expect, test } from 'vitest';
import type { Pin } from '../../../src/api/online/pin-book.ts';
import { pinnedAnswer, pinRefresh } from '../../../src/api/online/pinned-refresh.ts';
import { parseChannel } from '../../../src/snaps/index.ts';

const pin = (channel: string, revision: number): Pin => ({
  snapId: 'jq-id',
  snapName: 'jq',
  channel: parseChannel(channel),
  architecture: 'amd64',
  revision,
  changedAt: '2026-01-02T03:04:05.000Z',
});

/** An upstream that answers each question the same, and notes them. */
function upstream(result: object = {}) {
  const asked: object[] = [];
  return {
    asked,
    ask: (body: object) => {
      asked.push(body);
      return Promise.resolve({ results: [{ 'instance-key': 'k', ...result }] });
    },
  };
}

const install = (over: object = {}) => ({
  context: [],
  actions: [{ action: 'install', 'instance-key': 'k', name: 'jq', channel: 'stable', epoch: null, ...over }],
  fields: ['revision'],
});
const refresh = (entry: object = {}, over: object = {}) => ({
  context: [
    { 'snap-id': 'jq-id', 'instance-key': 'k', revision: 1, 'tracking-channel': 'latest/stable', ...entry },
  ],
  actions: [{ action: 'refresh', 'instance-key': 'k', 'snap-id': 'jq-id', ...over }],
});

describe('a refresh on its way to the upstream', () => {
  test('asks for the revision in place of channel and cohort, and keeps all else as it came', async () => {
    const { ask, asked } = upstream();
    const request = refresh(
      { 'cohort-key': 'c' },
      { channel: '2.0/edge', 'cohort-key': 'c', 'new-field': 7 },
    );
    const made = await pinRefresh(request, [pin('2.0/edge', 9)], ask);
    expect(made?.body).toEqual({
      ...request,
      actions: [{ action: 'refresh', 'instance-key': 'k', 'snap-id': 'jq-id', 'new-field': 7, revision: 9 }],
    });
    expect(asked).toEqual([]);
  });

  test.each([
    ['a snap without overrides', install({ name: 'other' })],
    ['a revision that the device insists on', install({ revision: 3 })],
    ['a safer channel', install({ channel: '1/stable' })],
    ['assertions', { context: [], actions: [{ action: 'fetch-assertions', key: 'g', assertions: [] }] }],
    ['a channel that is none', install({ channel: 'a/b/c/d' })],
    ['something else', 'no refresh at all'],
  ])('leaves %s as it is', async (_, request) => {
    const { ask, asked } = upstream();
    expect(await pinRefresh(request, [pin('latest/edge', 9)], ask)).toBeUndefined();
    expect(asked).toEqual([]);
  });

  test('follows the default track before it looks for an override', async () => {
    const channels = { 'effective-channel': '2.0/stable', 'redirect-channel': '2.0/stable', snap: {} };
    const { ask } = upstream(channels);
    expect(await pinRefresh(install(), [pin('latest/stable', 9)], ask)).toBeUndefined();
    const made = await pinRefresh(install(), [pin('latest/stable', 9), pin('2.0/stable', 10)], ask);
    expect(made?.body).toMatchObject({ actions: [{ revision: 10 }] });
    expect(
      made && pinnedAnswer({ results: [{ 'instance-key': 'k', snap: { revision: 10 } }] }, made),
    ).toEqual({
      results: [
        {
          'instance-key': 'k',
          snap: { revision: 10 },
          'effective-channel': '2.0/stable',
          'redirect-channel': '2.0/stable',
        },
      ],
    });
  });

  test.each([
    ['latest/stable', 9],
    ['latest/beta', undefined],
  ])('of edge that leads to %s finds the override of stable or not', async (effective, revision) => {
    const { ask } = upstream({ 'effective-channel': effective, snap: {} });
    const made = await pinRefresh(install({ channel: 'latest/edge' }), [pin('latest/stable', 9)], ask);
    expect(made?.pinned.get('k')?.pin.revision).toBe(revision);
  });

  test('finds the override of a safer channel where the upstream has nothing at all', async () => {
    const { ask } = upstream({ error: { code: 'revision-not-found', message: '' } });
    const made = await pinRefresh(install({ channel: 'latest/edge' }), [pin('latest/stable', 9)], ask);
    expect(made?.body).toMatchObject({ actions: [{ revision: 9 }] });
  });

  test('gives way to the validation sets of the device', async () => {
    const sets = { 'validation-sets': [['16', 'acme', 'tested']] };
    const forbids = upstream({ error: { code: 'revision-conflict', message: '' } });
    expect(await pinRefresh(refresh(sets), [pin('latest/stable', 9)], forbids.ask)).toBeUndefined();
    expect(forbids.asked).toMatchObject([{ actions: [{ name: 'jq', revision: 9, ...sets }] }]);
    const allows = upstream({ snap: {} });
    const made = await pinRefresh(refresh(sets), [pin('latest/stable', 9)], allows.ask);
    expect(made?.body).toMatchObject({ actions: [{ revision: 9 }] });
  });

  test('keeps "ignore-validation", which is between device and upstream', async () => {
    const request = refresh({ 'ignore-validation': true }, { 'ignore-validation': true });
    const made = await pinRefresh(request, [pin('latest/stable', 9)], upstream().ask);
    expect(made?.body).toMatchObject({
      context: [{ 'ignore-validation': true }],
      actions: [{ 'ignore-validation': true }],
    });
  });

  test('refuses a revision that cannot read what the device has written', async () => {
    const made = await pinRefresh(refresh({ epoch: '2' }), [pin('latest/stable', 9)], upstream().ask);
    const answer = (epoch: object) => ({ results: [{ 'instance-key': 'k', snap: { revision: 9, epoch } }] });
    expect(made && pinnedAnswer(answer({ read: [0, 1], write: [1] }), made)).toMatchObject({
      results: [{ result: 'error', name: 'jq', error: { code: 'revision-not-found' } }],
    });
    expect(made && pinnedAnswer(answer({ read: [2], write: [2] }), made)).toMatchObject({
      results: [{ snap: { revision: 9 }, 'effective-channel': 'latest/stable' }],
    });
  });
});
