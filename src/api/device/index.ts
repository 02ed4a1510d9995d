export { createDeviceApi } from './app.ts';
export type { DeviceApiDeps, DeviceSecret, HandOver, Site } from './deps.ts';
export { type DeviceEnv } from './http.ts';
