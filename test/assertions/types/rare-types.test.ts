import { describe, expect, it } from 'vitest';
import {
  ASSERTION_TYPE_NAMES,
  ASSERTION_TYPES,
  assertionType,
  isAssertionTypeName,
} from '../../../src/assertions/index.ts';
import { draftsOf, KEY_ID, TIMESTAMP } from '../draft-text.ts';

describe('the registry of types', () => {
  it('knows every type by its name, and no other name', () => {
    for (const name of ASSERTION_TYPE_NAMES) expect(assertionType(name).name).toBe(name);
    expect(isAssertionTypeName('model')).toBe(true);
    expect(isAssertionTypeName('constructor')).toBe(false);
    expect(Object.keys(ASSERTION_TYPES)).toHaveLength(ASSERTION_TYPE_NAMES.length);
  });

  it('has formats above 0 for three types', () => {
    const formats = ASSERTION_TYPE_NAMES.filter((name) => assertionType(name).maxFormat > 0).map(
      (name) => `${name} ${assertionType(name).maxFormat}`,
    );
    expect(formats).toEqual(['account-key 1', 'system-user 2', 'snap-declaration 7']);
  });

  it('knows which types count up, and which have no authority', () => {
    const names = (fits: (name: (typeof ASSERTION_TYPE_NAMES)[number]) => boolean): readonly string[] =>
      ASSERTION_TYPE_NAMES.filter(fits).toSorted();
    expect(names((name) => assertionType(name).sequenceForming)).toEqual([
      'cluster',
      'repair',
      'validation-set',
    ]);
    expect(names((name) => assertionType(name).authority === 'none')).toEqual([
      'account-key-request',
      'confdb-control',
      'device-session-request',
      'response-message',
      'serial-request',
    ]);
  });

  it('gives defaults to the last parts of primary keys only', () => {
    for (const { primaryKey, optionalPrimaryKeyDefaults } of Object.values(ASSERTION_TYPES)) {
      const optional = Object.keys(optionalPrimaryKeyDefaults);
      expect(primaryKey.slice(primaryKey.length - optional.length)).toEqual(optional);
    }
  });
});

describe('types that a store carries for others', () => {
  it('a preseed names snaps with ids and revisions together', () => {
    const preseed = draftsOf('preseed', {
      'authority-id': 'acme',
      series: '16',
      'brand-id': 'acme',
      model: 'pi',
      'system-label': '20240101',
      'artifact-sha3-384': KEY_ID,
      snaps: [
        { name: 'app', id: 'a'.repeat(32), revision: '3', components: [{ name: 'comp', revision: '1' }] },
      ],
      timestamp: TIMESTAMP,
    });
    expect(preseed({ snaps: [{ name: 'local', components: [{ name: 'comp' }] }] }).type).toBe('preseed');
    expect(() => preseed({ snaps: [{ name: 'app', revision: '3' }] })).toThrow(/given together/);
    expect(() =>
      preseed({ snaps: [{ name: 'app', components: [{ name: 'comp', revision: '1' }] }] }),
    ).toThrow(/exactly when/);
    expect(() => preseed({ 'system-label': 'A' })).toThrow(/"system-label"/);
    expect(() => preseed({ 'artifact-sha3-384': 'x' })).toThrow(/digest/);
  });

  it('a repair has a summary of one line, and bases that its modes fit', () => {
    const repair = draftsOf('repair', {
      'authority-id': 'acme',
      'brand-id': 'acme',
      'repair-id': '4',
      summary: 'Mend it',
      timestamp: TIMESTAMP,
    });
    expect(repair({ modes: ['run'], bases: ['core22'], disabled: 'true' }, '#!/bin/sh\n').primaryKey).toEqual(
      ['acme', '4'],
    );
    expect(() => repair({ summary: 'two\nlines' })).toThrow(/more than one line/);
    expect(() => repair({ modes: ['recover'], bases: ['core18'] })).toThrow(/no recovery modes/);
    expect(() => repair({ modes: ['fly'] })).toThrow(/"modes" header/);
    expect(() => repair({ 'repair-id': '0' })).toThrow(/"repair-id"/);
  });

  it('a cluster has devices by number, and subclusters of them', () => {
    const cluster = draftsOf('cluster', {
      'authority-id': 'acme',
      'cluster-id': 'c',
      sequence: '1',
      devices: [{ id: '1', device: 'SN-1.pi.acme', addresses: ['10.0.0.1'] }],
      subclusters: [
        {
          name: 'all',
          devices: ['1'],
          snaps: [{ state: 'clustered', instance: 'app_x', channel: 'stable' }],
        },
      ],
    });
    expect(cluster().primaryKey).toEqual(['c', '1']);
    const device = { id: '1', device: 'SN-1.pi.acme' };
    expect(() => cluster({ devices: [device, device] })).toThrow(/device 1 appears twice/);
    expect(() => cluster({ devices: [{ ...device, device: 'SN-1' }] })).toThrow(/SERIAL\.MODEL\.BRAND/);
    expect(() => cluster({ subclusters: [{ name: 'all', devices: ['2'] }] })).toThrow(/not in "devices"/);
    expect(() =>
      cluster({ subclusters: [{ name: 'all', snaps: [{ state: 'lost', instance: 'a', channel: 'b' }] }] }),
    ).toThrow(/"state"/);
  });

  it('messages have an id, a kind, devices and a time', () => {
    const request = draftsOf(
      'request-message',
      {
        'authority-id': 'acme',
        'account-id': 'acme',
        'message-id': 'abcd-2',
        'message-kind': 'confdb',
        devices: ['SN-1.pi.acme'],
        'valid-since': TIMESTAMP,
        'valid-until': '2025-01-01T00:00:00Z',
        timestamp: TIMESTAMP,
      },
      '{}',
    );
    expect(request({ assumes: ['snapd2.70', 'isa-amd64-x86'] }).primaryKey).toEqual(['acme', 'abcd-2']);
    expect(() => request({ 'message-id': 'abcd-0' })).toThrow(/sequence number/);
    expect(() => request({ devices: [] })).toThrow(/"devices" header is missing/);
    expect(() => request({ assumes: ['No Such'] })).toThrow(/"assumes"/);
    expect(() => request({ 'valid-until': '2020-01-01T00:00:00Z' })).toThrow(/"valid-until"/);
    expect(() => request({}, '')).toThrow(expect.objectContaining({ code: 'body-invalid' }));
    const response = draftsOf('response-message', {
      'account-id': 'acme',
      'message-id': 'abcd',
      device: 'SN-1.pi.acme',
      status: 'success',
      timestamp: TIMESTAMP,
    });
    expect(response().primaryKey).toEqual(['acme', 'abcd', 'SN-1.pi.acme']);
    expect(() => response({ status: 'fine' })).toThrow(/"status"/);
  });

  it('a confdb-schema has views, and a body of sorted and indented JSON', () => {
    const body = JSON.stringify({ storage: { schema: { a: 'string' } } }, undefined, 2);
    const schema = draftsOf(
      'confdb-schema',
      {
        'authority-id': 'acme',
        'account-id': 'acme',
        name: 'network',
        views: { wifi: { rules: [{ storage: 'a' }] } },
        timestamp: TIMESTAMP,
      },
      body,
    );
    expect(schema().primaryKey).toEqual(['acme', 'network']);
    expect(() => schema({}, JSON.stringify({ storage: {} }))).toThrow(/indented by 2 spaces/);
    expect(() => schema({}, JSON.stringify({ storage: {}, a: 1 }, undefined, 2))).toThrow(/sorted names/);
    expect(() => schema({}, '{')).toThrow(/is not JSON/);
    expect(() => schema({}, '{}')).toThrow(/"storage"/);
    expect(() => schema({ views: undefined })).toThrow(/"views"/);
    expect(() => schema({ 'account-id': 'system' })).toThrow(/must be signed by "canonical"/);
    expect(() => schema({ 'account-id': 'other' })).toThrow(/must equal "authority-id"/);
  });

  it('a confdb-control names operators, ways to authenticate, and views', () => {
    const group = { operators: ['acme'], authentications: ['store'], views: ['acme/network/wifi'] };
    const control = draftsOf('confdb-control', {
      'brand-id': 'acme',
      model: 'pi',
      serial: 'SN-1',
      groups: [group],
    });
    expect(control().primaryKey).toEqual(['acme', 'pi', 'SN-1']);
    expect(() => control({ groups: [{ ...group, views: [] }] })).toThrow(/"views" of a group is missing/);
    expect(() => control({ serial: 'SN 1' })).toThrow(/"serial"/);
  });
});
