const RISKS = new Set(['stable', 'candidate', 'beta', 'edge']);

/** A channel as `track/risk` or `track/risk/branch`, whichever short form it was given in. */
function fullChannelName(channel: string): string {
  const parts = channel.split('/');
  const first = parts[0] ?? '';
  if (RISKS.has(first) && !RISKS.has(parts[1] ?? '')) return ['latest', ...parts].join('/');
  return parts.length === 1 ? `${first}/stable` : channel;
}

/**
 * Whether a channel is within a credential's pattern. Patterns are those of `snapcraft export-login --channels`: `*` and
 * `?` as in a shell but never across `/`, so that `edge` covers no branch of edge.
 * Both the given and the full form of either side are tried (protocol/publishers.md, section 2).
 */
export function channelMatches(pattern: string, channel: string): boolean {
  const name = fullChannelName(channel);
  const expression = fullPattern(pattern)
    .split('/')
    .map((part) =>
      part
        .replace(/[.+^${}()|[\]\\]/g, '\\$&')
        .replace(/\*+/g, '[^/]*')
        .replace(/\?/g, '[^/]'),
    )
    .join('/');
  return new RegExp(`^${expression}$`).test(name);
}

/** `edge` means `latest/edge`; a lone `*` means every risk of every track. */
function fullPattern(pattern: string): string {
  if (pattern === '*') return '*/*';
  return fullChannelName(pattern);
}
