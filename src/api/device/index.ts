export { createDeviceApi } from './app.ts';
export type { DeviceApiDeps, DeviceSecret, Site } from './deps.ts';
export { type DeviceEnv, STORE_VERSION } from './http.ts';
