const ATOM = /^[^\s()<>[\]:;@\\,."]+(?:\.[^\s()<>[\]:;@\\,."]+)*$/u;
const QUOTED = /^"(?:[^"\\\r\n]|\\[^\r\n])*"$/u;
const LITERAL = /^\[[^[\]\\\s]*\]$/u;

/** Whether the text is a mail address, with or without a display name (`Ann <ann@example.com>`). */
export function isMailAddress(text: string): boolean {
  const trimmed = text.trim();
  if (!trimmed.endsWith('>')) return isBareAddress(trimmed);
  const open = trimmed.lastIndexOf('<');
  if (open === -1) return false;
  return isDisplayName(trimmed.slice(0, open).trim()) && isBareAddress(trimmed.slice(open + 1, -1).trim());
}

function isBareAddress(address: string): boolean {
  const at = address.lastIndexOf('@');
  if (at < 1) return false;
  const local = address.slice(0, at);
  const domain = address.slice(at + 1);
  return (ATOM.test(local) || QUOTED.test(local)) && (ATOM.test(domain) || LITERAL.test(domain));
}

function isDisplayName(name: string): boolean {
  return QUOTED.test(name) || !/["()<>[\]:;@\\,]/.test(name);
}
