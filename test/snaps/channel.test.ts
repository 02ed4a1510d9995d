import { describe, expect, it } from 'vitest';
import {
  channelName,
  compareChannels,
  fallbacks,
  parseChannel,
  shortChannelName,
} from '../../src/snaps/index.ts';

describe('a channel name', () => {
  it.each([
    ['', 'latest/stable', false],
    ['stable', 'latest/stable', false],
    ['edge', 'latest/edge', false],
    ['2.0', '2.0/stable', true],
    ['latest/beta', 'latest/beta', true],
    ['2.0/candidate', '2.0/candidate', true],
    ['edge/fix-1', 'latest/edge/fix-1', false],
    ['2.0/edge/fix-1', '2.0/edge/fix-1', true],
  ])('%j means %s', (text, full, trackGiven) => {
    const channel = parseChannel(text);
    expect(channelName(channel)).toBe(full);
    expect(channel.trackGiven).toBe(trackGiven);
  });

  it.each([
    '/',
    'a/b',
    'a/b/c',
    'latest/stable/x/y',
    'stable/',
    '/stable',
    'stable/stable/x',
    'ünder/stable',
    '-x',
    'x'.repeat(29),
  ])('refuses %j', (text) => {
    expect(() => parseChannel(text)).toThrow(
      expect.objectContaining({ code: 'channel-invalid', kind: 'invalid' }),
    );
  });

  it('leaves the track latest out of its short form only', () => {
    expect(shortChannelName(parseChannel('latest/edge/x'))).toBe('edge/x');
    expect(shortChannelName(parseChannel('2.0/edge'))).toBe('2.0/edge');
  });

  it('falls back from a branch to its risk, then towards stable, never across tracks', () => {
    expect(fallbacks(parseChannel('2.0/beta/x')).map(channelName)).toEqual([
      '2.0/beta/x',
      '2.0/beta',
      '2.0/candidate',
      '2.0/stable',
    ]);
  });

  it('sorts the first track first and stable before edge', () => {
    const names = [
      '1.0/edge',
      'latest/edge',
      'latest/stable',
      '1.0/stable',
      'latest/edge/b',
      'latest/edge/a',
    ];
    const sorted = names.map(parseChannel).sort(compareChannels('latest')).map(channelName);
    expect(sorted).toEqual([
      'latest/stable',
      'latest/edge',
      'latest/edge/a',
      'latest/edge/b',
      '1.0/stable',
      '1.0/edge',
    ]);
  });
});
