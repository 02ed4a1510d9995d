import { setGlobalProxyFromEnv } from 'node:http';

// Newer than the types of Node that we have.
declare module 'node:http' {
  function setGlobalProxyFromEnv(variables: Readonly<Record<string, string>>): () => void;
}

/** This machine: what a proxy elsewhere could not reach. */
const HERE = ['localhost', '127.0.0.1', '::1'];

/**
 * Sends what this process asks for by HTTPS through a proxy, from the next connection on. What the environment excepts by NO_PROXY
 * stays excepted, and so does this machine.
 * @returns undoes it
 */
export function sendThroughProxy(
  proxy: string,
  env: Readonly<Record<string, string | undefined>>,
): () => void {
  const excepted = [...HERE, env['NO_PROXY'] ?? env['no_proxy'] ?? ''].filter(Boolean);
  return setGlobalProxyFromEnv({ HTTPS_PROXY: proxy, NO_PROXY: excepted.join(',') });
}
