const RISKS = ['stable', 'candidate', 'beta', 'edge'];

/** The parts of a channel's name as written; undefined when it is none. */
function channelParts(channel: string): { readonly track: string | undefined } | undefined {
  const parts = channel.split('/');
  const [first = '', second, third] = parts;
  if (channel === '' || parts.length > 3) return undefined;
  if (second === undefined) return { track: RISKS.includes(first) ? undefined : first };
  if (third === undefined && RISKS.includes(first)) return second === '' ? undefined : { track: undefined };
  if (first === '' || third === '' || !RISKS.includes(second)) return undefined;
  return { track: first };
}

/** Whether the text names a channel: TRACK, RISK, TRACK/RISK, RISK/BRANCH or TRACK/RISK/BRANCH. */
export function isChannel(channel: string): boolean {
  return channelParts(channel) !== undefined;
}

/** Whether the text names a channel and says which track. */
export function isChannelWithTrack(channel: string): boolean {
  return channelParts(channel)?.track !== undefined;
}
