import { defineEntity, p } from '@mikro-orm/core';
import { blobDigest, moment, name, shortId } from './columns.ts';

/** A registered or imported snap: what holds for all its revisions. */
export const Snap = defineEntity({
  name: 'Snap',
  tableName: 'snap',
  uniques: [{ properties: ['name'] }],
  indexes: [{ properties: ['storeId'] }],
  properties: {
    snapId: shortId().primary(),
    name: p.string().length(64),
    storeId: shortId(),
    publisherId: shortId(),
    private: p.boolean(),
    /** app, base, core, gadget, kernel, os or snapd. */
    type: p.string().length(16),
    title: p.string().length(255),
    summary: p.string().length(512),
    description: p.text(),
    license: p.string().length(255).nullable(),
    contact: p.string().length(512).nullable(),
    website: p.string().length(512).nullable(),
    links: p.json<Record<string, string[]>>(),
    media: p.json<{ type: string; url: string; width?: number; height?: number; sha3_384?: string }[]>(),
    categories: p.json<{ name: string; featured: boolean }[]>(),
    defaultTrack: name().nullable(),
    createdAt: moment(),
    changedAt: moment(),
  },
});

/** One revision of a snap: its file and what its snap.yaml says. */
export const SnapRevision = defineEntity({
  name: 'SnapRevision',
  tableName: 'snap_revision',
  uniques: [{ properties: ['snapId', 'revision'] }],
  indexes: [{ properties: ['sha3_384'] }],
  properties: {
    id: p.integer().primary().autoincrement(),
    snapId: shortId(),
    revision: p.integer(),
    sha3_384: blobDigest(),
    /** Bytes. */
    size: p.bigint('number'),
    version: p.string().length(64),
    type: p.string().length(16),
    architectures: p.json<string[]>(),
    base: p.string().length(64).nullable(),
    confinement: p.string().length(16),
    grade: p.string().length(16),
    epoch: p.json<{ read: number[]; write: number[] }>(),
    snapYaml: p.text(),
    provenance: name(),
    createdAt: moment(),
  },
});

/** What a channel of a snap holds for an architecture; history rows are those with `endedAt`. */
export const ChannelRelease = defineEntity({
  name: 'ChannelRelease',
  tableName: 'channel_release',
  indexes: [{ properties: ['snapId', 'endedAt'] }],
  properties: {
    id: p.integer().primary().autoincrement(),
    snapId: shortId(),
    track: name(),
    /** stable, candidate, beta or edge. */
    risk: p.string().length(16),
    /** Empty for the channel itself. */
    branch: name(),
    architecture: p.string().length(16),
    /** Null: the channel was closed. */
    revision: p.integer().nullable(),
    releasedAt: moment(),
    /** Branches end by themselves at this moment. */
    expiresAt: moment().nullable(),
    /** Progressive release: the share of devices in percent that gets this revision; null for all. */
    percentage: p.integer().nullable(),
    /** Decides, with the device's identity, who is in the share; constant for one release. */
    progressiveKey: p.string().length(64).nullable(),
    paused: p.boolean(),
    endedAt: moment().nullable(),
  },
});

/** A binary difference between two snap files. */
export const Delta = defineEntity({
  name: 'Delta',
  tableName: 'delta',
  uniques: [{ properties: ['format', 'sourceSha3_384', 'targetSha3_384'] }],
  properties: {
    id: p.integer().primary().autoincrement(),
    snapId: shortId(),
    format: p.string().length(32),
    sourceRevision: p.integer(),
    targetRevision: p.integer(),
    sourceSha3_384: blobDigest(),
    targetSha3_384: blobDigest(),
    sha3_384: blobDigest(),
    size: p.bigint('number'),
    createdAt: moment(),
  },
});

/** A revision of a component (resource) of a snap. */
export const SnapResource = defineEntity({
  name: 'SnapResource',
  tableName: 'snap_resource',
  uniques: [{ properties: ['snapId', 'name', 'revision'] }],
  properties: {
    id: p.integer().primary().autoincrement(),
    snapId: shortId(),
    name: p.string().length(64),
    /** `component/standard` or `component/kernel-modules`. */
    type: p.string().length(64),
    revision: p.integer(),
    version: p.string().length(64),
    description: p.text(),
    sha3_384: blobDigest(),
    size: p.bigint('number'),
    createdAt: moment(),
  },
});

/** Which resource revision goes with which snap revision. */
export const SnapResourcePair = defineEntity({
  name: 'SnapResourcePair',
  tableName: 'snap_resource_pair',
  uniques: [{ properties: ['snapId', 'snapRevision', 'resourceName'] }],
  properties: {
    id: p.integer().primary().autoincrement(),
    snapId: shortId(),
    snapRevision: p.integer(),
    resourceName: p.string().length(64),
    resourceRevision: p.integer(),
  },
});

/** An operator's override of what a channel gives (protocol/operators.md 1.5). */
export const ChannelOverride = defineEntity({
  name: 'ChannelOverride',
  tableName: 'channel_override',
  uniques: [{ properties: ['snapName', 'channel', 'architecture'] }],
  properties: {
    id: p.integer().primary().autoincrement(),
    snapName: p.string().length(64),
    /** Null in rows that were made before it was noted, of snaps that are not here. */
    snapId: shortId().nullable(),
    channel: p.string().length(160),
    architecture: p.string().length(16),
    revision: p.integer(),
    upstreamRevision: p.integer().nullable(),
    changedAt: moment(),
  },
});
